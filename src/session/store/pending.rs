//! The completion of a write.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{BoxFuture, Shared};

use super::StoreError;

/// A write on its way. Resolves when it would survive the end of the process, or has failed.
/// Clones resolve together.
#[derive(Clone)]
#[must_use = "a write is not durable before it is acknowledged"]
pub struct Pending(Shared<BoxFuture<'static, Result<(), StoreError>>>);

/// The other end of a [`Pending`].
pub type Acknowledge = oneshot::Sender<Result<(), StoreError>>;

impl Pending {
    /// One that is resolved already.
    pub fn ready(result: Result<(), StoreError>) -> Pending {
        let pending = Pending(futures::future::ready(result).boxed().shared());
        // Polled once, so that `outcome` sees it.
        let _ = pending.clone().0.now_or_never();
        pending
    }

    /// One that somebody else resolves; dropping the other end counts as [`StoreError::Closed`].
    pub fn channel() -> (Acknowledge, Pending) {
        let (sender, receiver) = oneshot::channel();
        let result = receiver.map(|r| r.unwrap_or(Err(StoreError::Closed)));
        (sender, Pending(result.boxed().shared()))
    }

    /// Resolves when both have, with the first failure. A write that depends on another one
    /// fails for the reason of the other one.
    pub fn then(self, next: Pending) -> Pending {
        if matches!(self.outcome(), Some(Ok(()))) {
            return next;
        }
        Pending(async move { self.await.and(next.await) }.boxed().shared())
    }

    /// Blocks until it resolves. Not for asynchronous code, which awaits it.
    ///
    /// # Errors
    /// Why the write failed.
    pub fn wait(self) -> Result<(), StoreError> {
        futures::executor::block_on(self.0)
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<Result<(), StoreError>> {
        self.0.clone().now_or_never()
    }
}

impl Future for Pending {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(cx)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.0.peek()).finish()
    }
}
