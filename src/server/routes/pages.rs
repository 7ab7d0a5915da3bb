//! The pages that a person opens: the first one, and what each problem means. They are in the
//! program and ask nothing of other hosts.

use std::fmt::Write as _;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use crate::protocol::negotiate;
use crate::protocol::problem::{Error, Kind, Problem};
use crate::protocol::wording::{meant, unknown};
use svgx_base::xml::escape;

const HTML: &str = "text/html; charset=utf-8";
/// Whatever a page shows comes from this service.
const POLICY: &str = "default-src 'self'; img-src 'self' blob:; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// The console shows a drawing with its own styles and the pictures in it. No script but its own
/// runs, and nothing asks another host.
const CONSOLE_POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; \
    style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The first page.
pub(crate) async fn home() -> HttpResponse {
    page(HTML, include_str!("../pages/home.html"))
}

/// Its script.
pub(crate) async fn script() -> HttpResponse {
    page("text/javascript; charset=utf-8", include_str!("../pages/home.js"))
}

/// The style of the pages.
pub(crate) async fn style() -> HttpResponse {
    page("text/css; charset=utf-8", include_str!("../pages/page.css"))
}

/// The console: a session, edited by whoever is there.
pub(crate) async fn console() -> HttpResponse {
    under(CONSOLE_POLICY, HTML, include_str!("../pages/console.html"))
}

/// Its script, built from `clients/console`.
pub(crate) async fn console_script() -> HttpResponse {
    page("text/javascript; charset=utf-8", include_str!("../pages/console.js"))
}

/// Its style.
pub(crate) async fn console_style() -> HttpResponse {
    page("text/css; charset=utf-8", include_str!("../pages/console.css"))
}

/// The picture in the browser's tab.
pub(crate) async fn icon() -> HttpResponse {
    page("image/svg+xml", include_str!("../pages/icon.svg"))
}

/// The dashboards' pictures of a recorded run, as `svgx slo preview` draws them.
const DASHBOARDS: [(&str, &str); 3] = [
    ("svgx-slo.svg", include_str!("../../../docs/images/svgx-slo.svg")),
    ("svgx-requests.svg", include_str!("../../../docs/images/svgx-requests.svg")),
    ("svgx-controller.svg", include_str!("../../../docs/images/svgx-controller.svg")),
];

/// A dashboard's picture.
///
/// # Errors
/// [`Error::Missing`] for a name that no dashboard has.
pub(crate) async fn dashboard(name: Path<String>) -> Result<HttpResponse, Error> {
    let names = DASHBOARDS.map(|(name, _)| name);
    match DASHBOARDS.iter().find(|(known, _)| *known == name.as_str()) {
        Some((_, picture)) => Ok(page("image/svg+xml", *picture)),
        None => Err(Error::Missing(unknown("dashboard", &name, &names))),
    }
}

fn page(kind: &'static str, body: impl Into<String>) -> HttpResponse {
    under(POLICY, kind, body)
}

fn under(policy: &'static str, kind: &'static str, body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "Accept"))
        .insert_header((
            HeaderName::from_static("content-security-policy"),
            HeaderValue::from_static(policy),
        ))
        .body(body.into())
}

/// Every kind of problem, with what it means and what the client can do: JSON, or a page.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/problems", tag = "status", operation_id = "list_problems",
    responses((status = 200, content((Vec<Kind> = "application/json"), (String = "text/html")))))]
pub(crate) async fn problems(request: HttpRequest) -> Result<HttpResponse, Error> {
    if wants_json(&request)? {
        return Ok(HttpResponse::Ok().json(Kind::all().collect::<Vec<_>>()));
    }
    let mut rows = String::new();
    for Kind { code, status, title, meaning, .. } in Kind::all() {
        let (status, meaning) = (status.as_u16(), rich(meaning));
        // Writing into a String cannot fail.
        let _ = write!(
            rows,
            "<tr><td><a href=\"/problems/{code}\"><code>{code}</code></a></td><td>{status}</td>\
             <td>{}. {meaning}</td></tr>",
            escape(title),
        );
    }
    Ok(page(
        HTML,
        document(
            "Problem codes",
            &format!(
                "<p>Every failure is answered with a problem document (RFC 9457). Its <code>code</code> is \
         one of these, and its <code>type</code> leads to the page of the code.</p>\
         <div class=\"scroll\"><table><thead><tr><th scope=\"col\">Code</th>\
         <th scope=\"col\">Status</th><th scope=\"col\">Meaning</th></tr></thead>\
         <tbody>{rows}</tbody></table></div>"
            ),
        ),
    ))
}

/// One kind of problem: what it means and what the client can do: JSON, or a page.
///
/// # Errors
/// [`Error::NotAcceptable`], and [`Error::Missing`] for a code that no problem has.
#[utoipa::path(get, path = "/problems/{code}", tag = "status", operation_id = "get_problem",
    params(("code" = String, Path, description = "The code, as in the problem document", example = "rate-limited")),
    responses((status = 200, content((Kind = "application/json"), (String = "text/html"))),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn problem(
    request: HttpRequest,
    code: Path<String>,
) -> Result<HttpResponse, Error> {
    let code: String = code.into_inner().chars().take(100).collect();
    let kind = Kind::find(&code).ok_or_else(|| {
        let near = meant(&code, Kind::all().map(|kind| kind.code));
        Error::Missing(format!("there is no problem code `{code}`; see /problems{near}"))
    })?;
    if wants_json(&request)? {
        return Ok(HttpResponse::Ok().json(kind));
    }
    Ok(page(
        HTML,
        document(
            kind.title,
            &format!(
                "<p>Status <b>{}</b>, code <code>{}</code></p><h2>What happened</h2><p>{}</p>\
         <h2>What to do</h2><p>{}</p><p><a href=\"/problems\">All codes</a></p>",
                kind.status.as_u16(),
                kind.code,
                rich(kind.meaning),
                rich(kind.remedy),
            ),
        ),
    ))
}

/// JSON, unless a page is preferred.
fn wants_json(request: &HttpRequest) -> Result<bool, Error> {
    let media = negotiate::media_type(request.headers(), &["application/json", "text/html"])?;
    Ok(media == "application/json")
}

fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · SVGX Engine</title>\
         <link rel=\"icon\" href=\"/favicon.ico\" type=\"image/svg+xml\">\
         <link rel=\"stylesheet\" href=\"/page.css\"></head><body>\
         <header><p><a href=\"/\">SVGX Engine</a></p><h1>{title}</h1></header>\
         <main>{body}</main></body></html>"
    )
}

/// Text of ours with `code` marked.
fn rich(text: &str) -> String {
    let mut html = String::new();
    for (i, part) in text.split('`').enumerate() {
        let part = escape(part);
        let _ =
            if i % 2 == 1 { write!(html, "<code>{part}</code>") } else { write!(html, "{part}") };
    }
    html
}
