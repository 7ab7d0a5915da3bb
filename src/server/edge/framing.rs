//! Answers that fit the version and the method they answer.

use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Method, Version};
use actix_web::middleware::Next;

/// Makes HEAD the GET that it stands for (RFC 9110, section 9.3.2): what speaks HTTP below sends
/// the head of the answer alone. Whether it was one.
pub(super) fn head_as_get(request: &mut ServiceRequest) -> bool {
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    is_head
}

/// The answer as its request can take it: without chunks to a client of HTTP/1.0 (RFC 9112,
/// section 6.1), and without a stream for HEAD, which nobody would read to its end.
pub(super) fn fit(response: ServiceResponse<BoxBody>, is_head: bool) -> ServiceResponse<BoxBody> {
    if !matches!(response.response().body().size(), BodySize::Stream) {
        return response;
    }
    if is_head {
        return response.map_body(|_, _| BoxBody::new(body::None::new()));
    }
    let mut response = response;
    if response.request().version() < Version::HTTP_11 {
        let head = response.response_mut().head_mut();
        head.no_chunking(true);
        // Its end is that of the connection.
        head.set_connection_type(ConnectionType::Close);
    }
    response
}

/// Both for a listener that has no other edge.
///
/// # Errors
/// Those of the handler.
pub(crate) async fn fit_answers(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_head = head_as_get(&mut request);
    next.call(request).await.map(|response| fit(response.map_into_boxed_body(), is_head))
}
