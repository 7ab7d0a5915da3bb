//! Random interleavings of several participants: everybody ends with the same bytes, an undo and
//! its redo leave everything as it was, and whoever is overwritten is told.
//!
//! `SVGX_INTERLEAVINGS` and `SVGX_RECONNECTS` say how many; without them a few are tried.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier, Time};
use svgx_base::random::SplitMix64;
use svgx_engine::document::{Limits, NodeId, NodeKind, canonical};

use super::*;
use crate::fragment::Fragment;
use crate::manager::{Options, Sessions};
use crate::operation::Operation;
use crate::record::TreeEdit;
use crate::store::{Key, Memory, StoreLimits};
use crate::{Session, markup};

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 1000 1000">
  <rect id="a" x="10" y="10" width="20" height="10"/>
  <circle id="b" cx="100" cy="100" r="5"/>
  <g id="g"><rect id="c" x="0" y="0" width="10" height="4"/><rect x="3" y="3" width="1" height="1"/></g>
  <g id="h"/>
  <text id="t" x="5" y="5">one <tspan id="s">two</tspan> three</text>
  <line id="d" x1="200" y1="200" x2="230" y2="200"/>
</svg>"#;

fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn key() -> Key {
    Key::new("tenant", "plan").unwrap()
}

struct Dice(SplitMix64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0.next_u64() % sides
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.roll(from.len() as u64) as usize]
    }
}

/// What a client has: a drawing that it got in a `reset`, and the changes since.
struct Replica(Session);

impl Replica {
    fn of(drawing: &str, handles: &[u32]) -> Replica {
        let mut session = Session::new(drawing, Arc::new(Limits::default()), &budget()).unwrap();
        let nodes: Vec<NodeId> = session.document.elements().collect();
        assert_eq!(nodes.len(), handles.len());
        let most = handles.iter().max().unwrap() + 1;
        session.elements = vec![NodeId::ROOT; most as usize];
        for (handle, node) in handles.iter().zip(nodes) {
            session.elements[*handle as usize] = node;
        }
        session.base = 0;
        session.remember_elements();
        Replica(session)
    }

    /// A place among the children, from one that counts texts side by side as one.
    fn place(&self, parent: u32, at: u32) -> u32 {
        let document = &self.0.document;
        let mut left = at;
        let mut after_text = false;
        for (index, child) in document.children(self.0.node(parent).unwrap()).enumerate() {
            let is_text = matches!(document.kind(child), NodeKind::Text(_));
            let counts = !(after_text && is_text);
            if left == 0 && counts {
                return index as u32;
            }
            left -= u32::from(counts);
            after_text = is_text;
        }
        document.children(self.0.node(parent).unwrap()).count() as u32
    }

    fn follow(&mut self, change: &DrawingChange) {
        match change {
            DrawingChange::Set { element, name, value, at } => {
                self.0.write(*element, name, value.as_deref(), *at).expect("an element");
            }
            DrawingChange::Add { element, parent, at, markup, handles, .. } => {
                let into = self.0.node(*parent).expect("a parent");
                let limits = Limits::default();
                let read = markup::read(markup, &self.0.document, into, &limits).expect("markup");
                let mut handles = handles.iter();
                let root = *read.roots.first().unwrap();
                let fragment = Fragment::of(&read.document, root, |_| *handles.next().unwrap());
                assert_eq!(fragment.root(), Some(*element));
                let at = self.place(*parent, *at);
                self.0.restructure(&TreeEdit::Insert { fragment, parent: *parent, at }).unwrap();
            }
            DrawingChange::Move { element, parent, at, .. } => {
                let (element, parent) = (*element, *parent);
                // Counted without what moves.
                let node = self.0.node(element).unwrap();
                let home = self.0.document.parent(node).unwrap();
                let next = self.0.document.next_sibling(node);
                self.0.document.detach(node);
                let to = (parent, self.place(parent, *at));
                self.0.document.restore(node, home, next);
                let edit = TreeEdit::Move { element, from: to, to };
                self.0.restructure(&edit).unwrap();
            }
            DrawingChange::Text { element, text } => {
                let edit =
                    TreeEdit::Text { element: *element, old: String::new(), new: text.clone() };
                self.0.restructure(&edit).unwrap();
            }
            DrawingChange::Remove { element } => {
                let node = self.0.node(*element).expect("it is there");
                let fragment = Fragment::of(&self.0.document, node, |n| self.0.number(n));
                self.0.restructure(&TreeEdit::Remove { fragment, parent: 0, at: 0 }).unwrap();
            }
        }
        self.0.settle();
    }
}

#[derive(Clone)]
struct Sending {
    id: String,
    base: u64,
    operation: Operation,
}

struct Client {
    participant: Participant,
    seat: Option<Seat>,
    replica: Option<Replica>,
    token: Option<String>,
    sequence: u64,
    /// Sent or to be sent, and not answered yet.
    pending: Vec<Sending>,
    /// On its way to the service, which answers when it takes it.
    wire: VecDeque<Sending>,
    /// Answers on their way to the client.
    answers: VecDeque<String>,
    resets: usize,
}

struct World {
    sessions: Sessions,
    store: Arc<Memory>,
    clients: Vec<Client>,
    dice: Dice,
    made: u64,
    /// Who wrote what last, as answers said it: element, attribute.
    writes: BTreeMap<(u32, String), (usize, u64)>,
    expected: BTreeSet<(usize, u32, Option<String>, u64)>,
    told: BTreeSet<(usize, u32, Option<String>, u64)>,
    /// Operations done, by id.
    done: BTreeMap<String, u64>,
    gone: BTreeSet<u32>,
    drags: Vec<bool>,
    /// What was done, for whoever has to find out why.
    log: Vec<String>,
}

impl World {
    fn new(seed: u64, people: usize) -> World {
        let store = Arc::new(Memory::new(StoreLimits::default()));
        let options = Options { snapshot_records: 16, ..Options::default() };
        let sessions = Sessions::new(store.clone(), Arc::new(Monotonic::new()), options);
        let load = Operation::Load { content: DRAWING.to_owned() };
        let _ = sessions.apply(&key(), &load, &budget()).unwrap().wait().unwrap();
        let client = |n: usize| Client {
            participant: Participant::new(&format!("p{n}")).unwrap(),
            seat: None,
            replica: None,
            token: None,
            sequence: 0,
            pending: Vec::new(),
            wire: VecDeque::new(),
            answers: VecDeque::new(),
            resets: 0,
        };
        let clients = (0..people).map(client).collect();
        let mut world = World {
            sessions,
            store,
            clients,
            dice: Dice(SplitMix64::new(seed)),
            made: 0,
            writes: BTreeMap::new(),
            expected: BTreeSet::new(),
            told: BTreeSet::new(),
            done: BTreeMap::new(),
            gone: BTreeSet::new(),
            drags: vec![false; people],
            log: Vec::new(),
        };
        for n in 0..people {
            world.connect(n);
            world.take(n, 10);
        }
        world
    }

    fn connect(&mut self, n: usize) {
        let client = &mut self.clients[n];
        let resume = client.token.clone();
        let joined =
            self.sessions.join(&key(), &client.participant, "", resume.as_deref(), &budget());
        client.seat = Some(joined.unwrap().unwrap().seat);
        client.wire = client.pending.iter().cloned().collect();
    }

    fn disconnect(&mut self, n: usize) {
        let client = &mut self.clients[n];
        client.seat = None;
        client.wire.clear();
        client.answers.clear();
    }

    fn submit(&mut self, n: usize, operation: Value) {
        self.made += 1;
        let id = format!("o{}", self.made);
        let operation: Operation = serde_json::from_value(operation).unwrap();
        let base = self.clients[n].sequence;
        let sending = Sending { id, base, operation };
        self.clients[n].pending.push(sending.clone());
        if self.clients[n].seat.is_some() {
            self.clients[n].wire.push_back(sending);
        }
    }

    /// The service takes one operation of a client.
    fn deliver(&mut self, n: usize) {
        let Some(sending) = self.clients[n].wire.pop_front() else { return };
        self.apply(n, &sending);
        self.clients[n].answers.push_back(sending.id);
    }

    fn apply(&mut self, n: usize, sending: &Sending) {
        let author = Author {
            participant: self.clients[n].participant.clone(),
            name: Some(format!("Person {n}")),
            id: Some(sending.id.clone()),
            base: Some(sending.base),
        };
        let before = self.sequence();
        let Ok(done) = self.sessions.apply_by(&key(), &author, &sending.operation, &budget())
        else {
            return;
        };
        let repeated = done.is_repeated();
        let outcome = done.wait().unwrap();
        if repeated {
            assert_eq!(self.sequence(), before, "{}", sending.id);
            return;
        }
        let sequence = self.sequence();
        if sequence > before {
            assert_eq!(self.done.insert(sending.id.clone(), sequence), None, "done twice");
        }
        self.log.push(format!(
            "{sequence} by {n} (saw {}): {} {:?}",
            sending.base,
            serde_json::to_string(&sending.operation).unwrap(),
            outcome.result.restored
        ));
        let moves = matches!(sending.operation, Operation::Undo | Operation::Redo);
        let mut seen = BTreeSet::new();
        for change in &outcome.result.attributes_changed {
            // By its handle: an id may be that of another element by now.
            let at = (self.handle(&change.element_id), change.name.clone());
            if seen.insert(at.clone())
                && let Some((other, when)) = self.writes.get(&at)
                && *other != n
                && *when > sending.base
                && !moves
            {
                self.expected.insert((*other, at.0, Some(at.1.clone()), sequence));
            }
            self.writes.insert(at, (n, sequence));
        }
    }

    /// A client takes what was sent to it.
    fn take(&mut self, n: usize, most: usize) {
        for _ in 0..most {
            let client = &mut self.clients[n];
            let Some(seat) = &client.seat else { return };
            let sent = match seat.take(Time(u64::MAX / 2), None) {
                Take::Frame(sent) => sent,
                Take::Reset(why) => {
                    client.resets += 1;
                    self.sessions.rebase(&key(), seat, why, &budget()).unwrap().0
                }
                Take::Wait(_) | Take::Nothing => break,
                Take::Closed(why) => panic!("{why}"),
            };
            match serde_json::from_slice(&sent.json).unwrap() {
                Frame::Reset { token, sequence, drawing, handles, .. } => {
                    client.replica = Some(Replica::of(&drawing, &handles));
                    (client.token, client.sequence) = (Some(token), sequence);
                }
                Frame::Patch(patch) => {
                    assert_eq!(patch.sequence, client.sequence + 1, "in order, without gaps");
                    for change in &patch.changes {
                        if let DrawingChange::Add { element, .. } = change {
                            let back = matches!(patch.operation.as_str(), "undo" | "redo");
                            let was_gone = self.gone.contains(element);
                            assert!(
                                back || !was_gone,
                                "{} is back by {}",
                                element,
                                patch.operation
                            );
                        }
                        client.replica.as_mut().unwrap().follow(change);
                    }
                    (client.token, client.sequence) = (Some(patch.token), patch.sequence);
                }
                Frame::Conflict(conflict) => {
                    let Conflict { element, attribute, sequence, .. } = conflict;
                    self.told.insert((n, element, attribute, sequence));
                }
                _ => {}
            }
        }
        let client = &mut self.clients[n];
        while let Some(id) = client.answers.pop_front() {
            client.pending.retain(|sending| sending.id != id);
        }
    }

    fn handle(&self, label: &str) -> u32 {
        let look = |session: &Session| {
            let by_id = session.document.by_id(label).map(|node| session.number(node));
            by_id.or_else(|| label.strip_prefix('@')?.parse().ok())
        };
        self.sessions.read(&key(), &budget(), look).unwrap().expect("a label of an element")
    }

    fn sequence(&self) -> u64 {
        self.sessions.read(&key(), &budget(), Session::sequence).unwrap()
    }

    fn canonical(&self) -> String {
        self.sessions.read(&key(), &budget(), |session| canonical(session.document())).unwrap()
    }

    fn ids(&self) -> Vec<String> {
        let look = |session: &Session| {
            let document = session.document();
            let elements = document.elements().skip(1);
            elements.filter_map(|node| document.id(node).map(str::to_owned)).collect()
        };
        self.sessions.read(&key(), &budget(), look).unwrap()
    }

    /// Something that a person may do. What is gone already is refused, which is fine.
    fn idea(&mut self, n: usize) -> Value {
        let ids = self.ids();
        let none = "a".to_owned();
        let id = if ids.is_empty() { none } else { self.dice.pick(&ids).clone() };
        let number = self.dice.roll(9);
        if self.drags[n] {
            let end = self.dice.roll(3) == 0;
            self.drags[n] = !end;
            let at = json!({"x": number * 7, "y": self.dice.roll(50)});
            return json!({"operation": if end { "drag_end" } else { "drag_move" }, "coordinates": at});
        }
        match self.dice.roll(24) {
            0..=7 => {
                let name = *self.dice.pick(&["x", "y", "fill", "width", "data-n"]);
                let value = (self.dice.roll(5) > 0).then(|| match name {
                    "fill" => ["red", "green", "blue"][number as usize % 3].to_owned(),
                    _ => number.to_string(),
                });
                json!({"operation": "set_attribute", "element_id": id, "name": name, "value": value})
            }
            8 | 9 => {
                self.made += 1;
                let new = format!("n{}", self.made);
                let markup = match number % 3 {
                    0 => format!(r#"<g id="{new}"><rect x="1" y="2" width="3" height="4"/></g>"#),
                    _ => format!(r#"<rect id="{new}" x="{number}" y="2" width="3" height="4"/>"#),
                };
                let parent = *self.dice.pick(&["g", "h"]);
                match number % 2 {
                    0 => json!({"operation": "add", "markup": markup}),
                    _ => json!({"operation": "add", "markup": markup, "parent_id": parent}),
                }
            }
            10 | 11 => json!({"operation": "delete", "element_id": id, "references": "remove"}),
            12 => {
                let to = *self.dice.pick(&["front", "back", "forward", "backward"]);
                json!({"operation": "reorder", "element_id": id, "to": to})
            }
            13 => {
                let parent = *self.dice.pick(&["g", "h"]);
                json!({"operation": "reparent", "element_id": id, "parent_id": parent})
            }
            14 => json!({"operation": "set_text", "element_id": "s", "text": format!("t{number}")}),
            15 => json!({"operation": "move", "element_id": id, "dx": number, "dy": 1}),
            16 => json!({"operation": "duplicate", "element_id": id, "dx": 5, "dy": 5}),
            17 => json!({"operation": "select", "element_id": id}),
            18 => {
                self.drags[n] = true;
                json!({"operation": "drag_start", "element_id": id, "coordinates": {"x": 0, "y": 0}})
            }
            19 => {
                json!({"operation": "group", "element_ids": [id], "group_id": format!("u{}", self.made)})
            }
            20..=22 => json!({"operation": "undo"}),
            _ => json!({"operation": "redo"}),
        }
    }

    /// What one undo takes back, its redo makes again, to the byte.
    fn there_and_back(&mut self, n: usize) {
        let participant = self.clients[n].participant.clone();
        let depth = |session: &Session| session.state_of(&participant).undo_depth;
        if self.sessions.read(&key(), &budget(), depth).unwrap() == 0 {
            return;
        }
        let before = self.canonical();
        for operation in [Operation::Undo, Operation::Redo] {
            self.made += 1;
            let id = format!("o{}", self.made);
            self.apply(n, &Sending { id, base: u64::MAX, operation });
        }
        assert_eq!(self.canonical(), before, "undo and redo of participant {n}");
    }

    fn settle(&mut self) {
        for n in 0..self.clients.len() {
            if self.clients[n].seat.is_none() {
                self.connect(n);
            }
            while !self.clients[n].wire.is_empty() {
                self.deliver(n);
            }
        }
        for n in 0..self.clients.len() {
            self.take(n, usize::MAX >> 1);
            assert!(self.clients[n].pending.is_empty(), "nothing is left unanswered");
        }
    }

    fn check(&mut self) {
        self.settle();
        let server = self.canonical();
        for client in &self.clients {
            let own = canonical(client.replica.as_ref().unwrap().0.document());
            assert_eq!(own, server, "{}", client.participant);
        }
        // Whatever is in memory is in the store.
        let again =
            Sessions::new(self.store.clone(), Arc::new(Monotonic::new()), Options::default());
        let (stored, sequence) =
            again.read(&key(), &budget(), |s| (canonical(s.document()), s.sequence())).unwrap();
        assert_eq!((stored, sequence), (server, self.sequence()));
        let missing: Vec<_> = self.expected.difference(&self.told).collect();
        assert!(missing.is_empty(), "not told: {missing:?}");
        for extra in self.told.iter().filter(|(.., attribute, _)| {
            attribute.as_ref().is_some_and(|name| name != super::writers::TEXT)
        }) {
            assert!(self.expected.contains(extra), "told for nothing: {extra:?}");
        }
    }
}

fn count(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn in_any_interleaving_everybody_ends_with_the_same_bytes() {
    let (mut conflicts, mut resets, mut operations) = (0, 0, 0);
    let count = count("SVGX_INTERLEAVINGS", 150);
    for seed in self::count("SVGX_FIRST", 0)..count {
        let people = 2 + (seed % 4) as usize;
        let mut world = World::new(seed, people);
        let context = std::panic::AssertUnwindSafe(|| {
            for _ in 0..60 {
                let n = world.dice.roll(people as u64) as usize;
                match world.dice.roll(12) {
                    0..=3 => {
                        let idea = world.idea(n);
                        world.submit(n, idea);
                    }
                    4..=7 => world.deliver(n),
                    8 | 9 => {
                        let most = world.dice.roll(6) as usize;
                        world.take(n, most);
                    }
                    10 if world.dice.roll(3) == 0 => world.disconnect(n),
                    10 if world.clients[n].seat.is_none() => world.connect(n),
                    _ => world.there_and_back(n),
                }
            }
            world.check();
        });
        if let Err(panic) = std::panic::catch_unwind(context) {
            let last = world.log.len().saturating_sub(24);
            eprintln!("interleaving {seed} of {people}:\n{}", world.log[last..].join("\n"));
            std::panic::resume_unwind(panic);
        }
        conflicts += world.told.len();
        resets += world.clients.iter().map(|client| client.resets).sum::<usize>();
        operations += world.done.len();
    }
    println!(
        "{count} interleavings: {operations} operations, {conflicts} conflicts, {resets} resets"
    );
    assert!(conflicts > 0 && operations > 0);
}

#[test]
fn a_reconnection_duplicates_nothing_and_brings_nothing_back() {
    let count = count("SVGX_RECONNECTS", 60);
    let mut world = World::new(7, 3);
    for round in 0..count {
        let n = (round % 3) as usize;
        for other in 0..3 {
            for _ in 0..world.dice.roll(3) {
                let idea = world.idea(other);
                world.submit(other, idea);
            }
        }
        // Some of what is pending is done, and the answer is lost with the connection.
        for _ in 0..world.dice.roll(3) {
            world.deliver(n);
        }
        let pending = world.clients[n].pending.len();
        world.disconnect(n);
        assert_eq!(world.clients[n].pending.len(), pending);
        let others = (n + 1) % 3;
        world.deliver(others);
        world.take(others, 3);
        world.connect(n);
        if world.dice.roll(4) == 0 {
            world.settle();
        }
    }
    world.check();
    println!("{count} reconnections: {} operations, none of them twice", world.done.len());
}
