//! What opens, closes and sets links in time: at a time, at an hour of the day, when a level, a
//! pressure or a flow passes a value.
//!
//! `when` is conditions joined by `and`, and such groups by `or`; what one of them compares with
//! is a head, m, or a flow, m³/s.

use std::collections::BTreeMap;

use svgx_base::wording::meant;
use svgx_engine::behavior::unit::quantity;
use svgx_engine::document::{NodeId, Ns};

use super::quantity::{Owner, shown};
use super::{Domain, Reader};
use crate::Name;
use crate::finding::Kind;
use crate::flow::{self, LinkKind, NodeKind};

/// Controls of one system that are read.
const MOST_CONTROLS: usize = 1_000;

/// Conditions of one control.
const MOST_CONDITIONS: usize = 16;

/// The longest time that a control may name, s.
const LONGEST: f64 = 1e12;

/// Seconds of a day.
pub(crate) const DAY: f64 = 86_400.0;

/// What sets a link, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Its id, or what it sets.
    pub name: Name,
    /// The link, by its number in the network.
    pub link: u32,
    /// The name of the link.
    pub element: Name,
    /// Any of these, each of which holds where all of its conditions do.
    pub when: Vec<Vec<Condition>>,
    /// What is done when it begins to hold,
    pub then: Act,
    /// and when it does not hold at the start, or ceases to.
    pub otherwise: Option<Act>,
}

/// How a link is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Whether it carries.
    pub open: bool,
    /// What it is then; as it was, where nothing is said.
    pub kind: Option<LinkKind>,
    /// As it was written.
    pub text: Name,
}

/// One condition; times are seconds from the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    /// At a time, in that moment alone.
    At(f64),
    /// From a time on.
    After(f64),
    /// Until a time.
    Before(f64),
    /// Once a day, in that moment alone; seconds from midnight, as all of the clock.
    Clock(f64),
    /// From then on until midnight.
    ClockAfter(f64),
    /// From midnight until then.
    ClockBefore(f64),
    /// While something is as high as this.
    Above(Watched, f64),
    /// While something is as low as this.
    Below(Watched, f64),
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// The head of a node, m: levels and pressures are heads above its elevation.
    Head(u32),
    /// The flow of a link, m³/s.
    Flow(u32),
}

impl Condition {
    /// Whether it is a moment, which has passed as soon as it was.
    pub const fn is_moment(&self) -> bool {
        matches!(self, Condition::At(_) | Condition::Clock(_))
    }
}

impl<'d> Reader<'_, 'd> {
    /// The controls of a system with their hour at the start, s from midnight; in a network that
    /// has none they are a mistake.
    pub(super) fn controls(
        &mut self,
        domain: Domain,
        network: Option<&flow::Network>,
    ) -> (Vec<Control>, f64) {
        let document = self.source.document;
        let named = |of: NodeId, wanted: &'static str| {
            document.children(of).filter(move |&n| document.name(n) == Some((Ns::Arx, wanted)))
        };
        let mut start = 0.0;
        let mut found: Vec<NodeId> = Vec::new();
        for group in named(self.node, "controls") {
            found.extend(named(group, "control").take(MOST_CONTROLS + 1 - found.len()));
            if let Some(text) = document.attr(group, "clock") {
                let owner = Owner { node: group, object: None, name: "the controls" };
                match hour(text.trim()).filter(|hour| *hour < DAY) {
                    Some(hour) => start = hour,
                    None => {
                        let message =
                            format!("the clock of the controls is {:?}: `6:30`", shown(text));
                        self.refuse(Kind::Control, owner, "clock", message);
                    }
                }
            }
        }
        let Some(&first) = found.first() else { return (Vec::new(), start) };
        let owner = Owner { node: first, object: None, name: "the controls" };
        let Some(network) = network else {
            if !matches!(domain, Domain::Water | Domain::Air) {
                let message =
                    format!("a network of {} has no controls: water and air do", domain.as_str());
                self.refuse(Kind::Control, owner, "of", message);
            }
            return (Vec::new(), start);
        };
        if found.len() > MOST_CONTROLS {
            let message = format!("there are more than {MOST_CONTROLS} controls");
            self.refuse(Kind::Control, owner, "of", message);
            found.truncate(MOST_CONTROLS);
        }
        let links: BTreeMap<Name, u32> =
            (0..).zip(&network.links).map(|(k, l)| (l.name.clone(), k)).collect();
        let nodes: BTreeMap<Name, u32> =
            (0..).zip(&self.nodes).map(|(k, n)| (n.0.clone(), k)).collect();
        let known = Known { network, links, nodes };
        let controls = found.into_iter().filter_map(|node| self.control(node, &known)).collect();
        (controls, start)
    }

    fn control(&mut self, node: NodeId, known: &Known<'_>) -> Option<Control> {
        let document = self.source.document;
        let of = document.attr(node, "of").unwrap_or("").trim().trim_start_matches('#');
        let name = document.id(node).unwrap_or(if of.is_empty() { "a control" } else { of });
        let owner = Owner { node, object: None, name };
        let Some(&link) = known.links.get(of) else {
            // What could not be read is told already.
            let unread = self.connections.iter().any(|c| c.owner.name == of)
                || self.links().iter().any(|l| l.0 == of);
            if !unread {
                let near = meant(of, known.links.keys().map(|n| &**n));
                let message = format!(
                    "the control {name} sets {:?}, and there is no such connection or pump{near}",
                    shown(of)
                );
                self.refuse(Kind::Control, owner, "of", message);
            }
            return None;
        };
        let then = match document.attr(node, "set") {
            Some(text) => self.act(owner, "set", text, of, known.network, link)?,
            None => {
                let message = format!("the control {name} has no set: `open`, `closed`, `80 %`");
                self.refuse(Kind::Control, owner, "set", message);
                return None;
            }
        };
        let otherwise = match document.attr(node, "else") {
            Some(text) => Some(self.act(owner, "else", text, of, known.network, link)?),
            None => None,
        };
        let when = self.when(owner, document.attr(node, "when").unwrap_or(""), known)?;
        if otherwise.is_some() && when.iter().flatten().any(Condition::is_moment) {
            let message =
                format!("the control {name} has an else, and its condition is but a moment");
            self.refuse(Kind::Control, owner, "else", message);
            return None;
        }
        let element = known.network.links.get(link as usize)?.name.clone();
        Some(Control { name: name.into(), link, element, when, then, otherwise })
    }

    /// `open`, `closed`, or what the link can be set to.
    fn act(
        &mut self,
        owner: Owner<'d>,
        attribute: &str,
        text: &'d str,
        of: &str,
        network: &flow::Network,
        link: u32,
    ) -> Option<Act> {
        let text = text.trim();
        let act = |open, kind| Some(Act { open, kind, text: shown(text).into() });
        match text {
            "open" | "yes" | "true" => return act(true, None),
            "closed" | "no" | "false" => return act(false, None),
            _ => {}
        }
        let kind = network.links.get(link as usize)?.kind;
        let (unit, what) = match kind {
            LinkKind::Pump(_) => ("%", "a pump is open, closed or at a part of its speed: `80 %`"),
            LinkKind::Valve { .. } => ("%", "a valve is open, closed or open in part: `60 %`"),
            LinkKind::Regulator { .. } => ("Pa", "it is open, closed or keeps a pressure"),
            LinkKind::Limiter { .. } => ("m^3/s", "it is open, closed or lets a flow through"),
            LinkKind::Pipe { .. } | LinkKind::Check { .. } => ("", "it is open or closed"),
        };
        let value = match quantity(text).filter(|_| !unit.is_empty()) {
            Some(literal) => self.source.convert(
                owner,
                attribute,
                literal.number,
                literal.unit,
                unit,
                &mut self.findings,
            )?,
            None => f64::NAN,
        };
        let part = value / 100.0;
        let set = match kind {
            LinkKind::Pump(_) if (0.0..=10.0).contains(&part) => {
                let curve = *self.curves.get(of)?;
                (part > 0.0).then(|| LinkKind::Pump(curve.at_speed(part)))
            }
            LinkKind::Valve { .. } if (0.0..=1.0).contains(&part) => {
                let whole = *self.wholes.get(of)?;
                (part > 0.0).then(|| LinkKind::Valve { resistance: whole / (part * part) })
            }
            LinkKind::Regulator { resistance, .. } if value.is_finite() => {
                let head = value * network.fluid.head_per_pascal();
                Some(LinkKind::Regulator { resistance, head })
            }
            LinkKind::Limiter { resistance, .. } if value >= 0.0 && value.is_finite() => {
                Some(LinkKind::Limiter { resistance, most: value })
            }
            _ => {
                let message =
                    format!("the control {} sets {of} to {:?}: {what}", owner.name, shown(text));
                self.refuse(Kind::Control, owner, attribute, message);
                return None;
            }
        };
        act(set.is_some(), set)
    }

    fn when(
        &mut self,
        owner: Owner<'d>,
        text: &'d str,
        known: &Known<'_>,
    ) -> Option<Vec<Vec<Condition>>> {
        let words: Vec<&str> = text.split_whitespace().take(16 * MOST_CONDITIONS).collect();
        let mut count = 0;
        let mut any = Vec::new();
        for group in words.split(|w| *w == "or") {
            let mut all = Vec::new();
            for words in group.split(|w| *w == "and") {
                count += 1;
                let read = (count <= MOST_CONDITIONS).then(|| self.condition(owner, words, known));
                let Some(condition) = read.flatten() else {
                    let message = format!(
                        "the control {} acts when {:?}: `tank level above 5 m`, `tap pressure below 2 bar`, `time 7 h`, `clock after 22:00`, up to {MOST_CONDITIONS} of these joined by `and` and `or`",
                        owner.name,
                        shown(&words.join(" "))
                    );
                    self.refuse(Kind::Control, owner, "when", message);
                    return None;
                };
                all.push(condition);
            }
            any.push(all);
        }
        Some(any)
    }

    /// One condition; `None` where it cannot be read.
    fn condition(
        &mut self,
        owner: Owner<'d>,
        words: &[&'d str],
        known: &Known<'_>,
    ) -> Option<Condition> {
        let (&first, rest) = words.split_first()?;
        if matches!(first, "time" | "clock") {
            let (side, rest) = match rest.split_first()? {
                (&side @ ("after" | "before"), rest) => (side, rest),
                _ => ("", rest),
            };
            let time = match rest {
                [text] if text.contains(':') => hour(text)?,
                _ => self.amount(owner, rest, "s")?,
            };
            let clock = first == "clock";
            let most = if clock { DAY } else { LONGEST };
            if !(0.0..most).contains(&time) {
                return None;
            }
            return Some(match (clock, side) {
                (false, "after") => Condition::After(time),
                (false, "before") => Condition::Before(time),
                (false, _) => Condition::At(time),
                (true, "after") => Condition::ClockAfter(time),
                (true, "before") => Condition::ClockBefore(time),
                (true, _) => Condition::Clock(time),
            });
        }
        let [what, side @ ("above" | "below"), amount @ ..] = rest else { return None };
        let name = first.trim_start_matches('#');
        let (watched, limit) = match *what {
            "flow" => {
                let link = *known.links.get(name)?;
                (Watched::Flow(link), self.amount(owner, amount, "m^3/s")?)
            }
            "level" | "head" | "pressure" => {
                let node = *known.nodes.get(name)?;
                let at = known.network.nodes.get(node as usize)?;
                let head = match *what {
                    "head" => self.amount(owner, amount, "m")?,
                    "level" if matches!(at.kind, NodeKind::Fixed(_)) => {
                        at.elevation + self.amount(owner, amount, "m")?
                    }
                    "pressure" => {
                        let pressure = self.amount(owner, amount, "Pa")?;
                        at.elevation + pressure * known.network.fluid.head_per_pascal()
                    }
                    _ => return None,
                };
                (Watched::Head(node), head)
            }
            _ => return None,
        };
        let condition = match *side {
            "above" => Condition::Above(watched, limit),
            _ => Condition::Below(watched, limit),
        };
        limit.is_finite().then_some(condition)
    }

    /// Words as a quantity in a unit of SI.
    fn amount(&mut self, owner: Owner<'d>, words: &[&str], unit: &str) -> Option<f64> {
        let text = words.join(" ");
        let literal = quantity(&text)?;
        let (number, written) = (literal.number, literal.unit);
        self.source.convert(owner, "when", number, written, unit, &mut self.findings)
    }
}

/// What a control may name.
struct Known<'n> {
    network: &'n flow::Network,
    links: BTreeMap<Name, u32>,
    nodes: BTreeMap<Name, u32>,
}

/// `22:30` as seconds.
fn hour(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let mut next = |most: u32| -> Option<Option<f64>> {
        let Some(part) = parts.next() else { return Some(None) };
        let digits = (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = part.parse().ok().filter(|n| digits && *n < most)?;
        Some(Some(f64::from(number)))
    };
    let (hours, minutes, seconds) = (next(1_000_000)??, next(60)??, next(60)?.unwrap_or(0.0));
    parts.next().is_none().then_some(3600.0 * hours + 60.0 * minutes + seconds)
}

#[cfg(test)]
mod tests {
    use super::hour;

    #[test]
    fn hours_are_read_and_nothing_else() {
        for (text, seconds) in
            [("0:00", 0.0), ("22:30", 81_000.0), ("07:05:09", 25_509.0), ("36:00", 129_600.0)]
        {
            assert_eq!(hour(text), Some(seconds), "{text}");
        }
        for text in ["", ":", "7", "7:", "7:60", "7:-1", "+7:00", "7:00:61", "7:00:00:00", "x:10"] {
            assert_eq!(hour(text), None, "{text}");
        }
    }
}
