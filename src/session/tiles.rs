//! The live pictures of sessions.
//!
//! A picture follows the scene of its session and is forgotten with it. It is planned while the
//! session stands still and drawn while it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::Error;
use super::manager::Sessions;
use super::store::Key;
use svgx_base::budget::Budget;
use svgx_base::deep_span;
use svgx_engine::compile::Fonts;
use svgx_tiles::{Drawn, Limits, Live, Plan, Request};

/// Bytes that the pictures of all sessions keep.
const ALL_BYTES: u64 = 256 << 20;

/// The pictures of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    bytes: Arc<AtomicU64>,
}

impl Pictures {
    /// A picture of which nothing is drawn.
    pub(crate) fn begin(&self) -> Box<Live> {
        Box::new(Live::new(Limits::default(), Arc::clone(&self.bytes)))
    }

    /// Whether more is kept than may be.
    pub(crate) fn are_too_many(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > ALL_BYTES
    }
}

/// Tiles of a session.
#[derive(Debug)]
pub struct Tiles {
    /// The tiles.
    pub drawn: Drawn,
    /// The sequence of the session that they show.
    pub sequence: u64,
    /// The elements that were painted by the full renderer for their whole group, and why:
    /// [`Special::name`](svgx_engine::geometry::Special::name).
    pub otherwise: Vec<(String, &'static str)>,
}

impl Sessions {
    /// The tiles of a session, edits included, that changed since the version that the request
    /// names. Draws on up to `threads` threads; edits go on meanwhile.
    ///
    /// # Errors
    /// [`Error::Picture`], [`Error::Store`] and whatever keeps a stored session from being read.
    pub fn tiles(
        &self,
        key: &Key,
        request: &Request,
        fonts: &Fonts,
        threads: usize,
        budget: &Budget,
    ) -> Result<Tiles, Error> {
        let span = deep_span!("plan");
        let (plan, sequence, otherwise) = self.picture(key, budget, |session, live| {
            let limits = Arc::clone(session.limits());
            let (document, scene) = session.followed(budget)?;
            let plan: Plan = live.plan(document, scene, request, fonts, &limits, budget)?;
            let named = plan.otherwise().iter();
            let otherwise =
                named.map(|&(unit, why)| (session.element_name(unit), why.name())).collect();
            Ok((plan, session.sequence(), otherwise))
        })?;
        drop(span);
        let span = deep_span!("paint");
        let drawn = plan.draw(threads, budget)?;
        drop(span);
        self.picture(key, budget, |_, live| {
            live.keep(&drawn);
            Ok(())
        })?;
        self.trim_pictures();
        Ok(Tiles { drawn, sequence, otherwise })
    }
}
