//! Deep traces: whether the work on this thread tells of its steps.
//!
//! A request is traced deeply only when somebody asks for it. Whoever runs its work says so with
//! [`enter`]; the work then opens a span for each of its steps with [`deep_span!`](crate::deep_span).
//! On every other thread such a span is one look at a flag of the thread, and nothing else: no
//! callsite is registered, no field is worked out, no subscriber is asked.

use std::cell::Cell;

#[doc(hidden)]
pub use tracing;
pub use tracing::Span;
pub use tracing::field::Empty;

/// The target of every span of a deep trace.
pub const TARGET: &str = "svgx.deep";

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// Whether the work on this thread is traced deeply.
#[inline]
pub fn is_on() -> bool {
    ON.with(Cell::get)
}

/// Says whether what is done on this thread until the guard goes is traced deeply.
#[must_use = "dropping it restores what was before"]
pub fn enter(on: bool) -> Guard {
    Guard { before: ON.with(|flag| flag.replace(on)), _thread: std::marker::PhantomData }
}

/// Unless `told`, no spans from this thread until the guard goes: of a step that has none, its
/// own steps have none either.
pub fn silent_unless(told: bool) -> Option<Guard> {
    (!told && is_on()).then(|| enter(false))
}

/// No more spans from this thread until its guard goes: the trace is full.
pub fn end() {
    ON.with(|flag| flag.set(false));
}

/// Restores what held before [`enter`].
#[derive(Debug)]
pub struct Guard {
    before: bool,
    // It belongs to the thread whose flag it restores.
    _thread: std::marker::PhantomData<*const ()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        ON.with(|flag| flag.set(self.before));
    }
}

/// Where this thread is in a deep trace, for a thread that does a part of its work.
#[derive(Clone, Debug)]
pub struct Place {
    on: bool,
    span: Span,
}

impl Place {
    /// Where this thread is.
    pub fn here() -> Place {
        match is_on() {
            true => Place { on: true, span: Span::current() },
            false => Place { on: false, span: Span::none() },
        }
    }

    /// Does `work` there.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _on = enter(self.on);
        self.span.in_scope(work)
    }
}

/// Lets the first few of many equal steps have a span, so that a trace has room for what follows.
#[derive(Clone, Copy, Debug)]
pub struct Few(u32);

impl Few {
    /// The first `most`.
    pub fn first(most: u32) -> Few {
        Few(most)
    }

    /// Takes the next one: whether it has a span; never where nothing is traced.
    #[inline]
    pub fn takes(&mut self) -> bool {
        if self.0 == 0 || !is_on() {
            return false;
        }
        self.0 -= 1;
        true
    }
}

/// A count as fields of spans take it.
pub fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Opens a span of a deep trace and enters it, until the value goes out of scope. Where this
/// thread is not traced deeply, or `if` says no, it is none.
///
/// ```
/// use svgx_base::deep::Empty;
/// use svgx_base::deep_span;
///
/// let span = deep_span!("solve", svgx.constraint.count = 12_i64, svgx.residual = Empty);
/// // ...
/// span.record("svgx.residual", 1e-4);
/// ```
#[macro_export]
macro_rules! deep_span {
    (if $condition:expr, $($rest:tt)+) => {
        if $condition {
            $crate::deep_span!($($rest)+)
        } else {
            $crate::deep::Span::none().entered()
        }
    };
    // Below a span that another thread opened; none where that one is none.
    (in $parent:expr, $name:literal $(, $($fields:tt)*)?) => {
        match $parent.id() {
            Some(id) => $crate::deep::tracing::info_span!(
                target: "svgx.deep", parent: id, $name $(, $($fields)*)?
            ),
            None => $crate::deep::Span::none(),
        }
        .entered()
    };
    ($name:literal $(, $($fields:tt)*)?) => {
        $crate::deep_span!(@ $name $(, $($fields)*)?).entered()
    };
    // Without entering it: for what goes on on another thread.
    (@ $name:literal $(, $($fields:tt)*)?) => {
        if $crate::deep::is_on() {
            $crate::deep::tracing::info_span!(target: "svgx.deep", $name $(, $($fields)*)?)
        } else {
            $crate::deep::Span::none()
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_that_of_one_thread_and_comes_back() {
        assert!(!is_on());
        let outer = enter(true);
        assert!(is_on());
        {
            let _inner = enter(false);
            assert!(!is_on());
        }
        assert!(is_on());
        assert!(!std::thread::spawn(is_on).join().expect("no panic"));
        end();
        assert!(!is_on());
        drop(outer);
        assert!(!is_on());
    }

    #[test]
    fn what_explains_a_span_is_not_worked_out_where_nothing_is_traced() {
        let worked_out = Cell::new(0);
        let explain = || {
            worked_out.set(worked_out.get() + 1);
            1_i64
        };
        drop(deep_span!("step", svgx.step.count = explain()));
        assert_eq!(worked_out.get(), 0);
        assert_eq!((0..9).filter(|_| Few::first(3).takes()).count(), 0);
        let _on = enter(true);
        drop(deep_span!(if explain() == 1, "step", svgx.step.count = 2_i64));
        let mut few = Few::first(3);
        assert_eq!((0..9).filter(|_| few.takes()).count(), 3);
        {
            let _silent = silent_unless(few.takes());
            assert!(!is_on());
        }
        assert!(is_on() && silent_unless(true).is_none());
        assert_eq!(worked_out.get(), 1);
    }
}
