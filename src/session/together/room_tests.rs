//! Queues, resumption and presence, without a session.

use std::time::Duration;

use bytes::Bytes;
use svgx_base::budget::Time;

use super::*;

fn participant(id: &str) -> Participant {
    Participant::new(id).unwrap()
}

fn patch(room: &Room, sequence: u64, bytes: usize) -> Sent {
    Sent {
        name: "patch",
        sequence: Some(sequence),
        token: Some(room.token(sequence).into()),
        json: Bytes::from(vec![b' '; bytes]),
        durable: None,
    }
}

fn join(room: &mut Room, id: &str, resume: Option<&str>, sequence: u64) -> Joined {
    room.join(participant(id), id.to_owned(), resume, sequence, Time(0)).unwrap()
}

/// What a client is sent now: sequences of patches, and other frames by name.
fn taken(room: &mut Room, connection: u64, now: Time) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match room.take(connection, now, None) {
            Take::Frame(Sent { sequence: Some(sequence), .. }) => all.push(sequence.to_string()),
            Take::Frame(sent) => all.push(sent.name.to_owned()),
            Take::Reset(why) => all.push(format!("reset {}", why.as_str())),
            Take::Wait(_) | Take::Nothing => return all,
            Take::Closed(why) => {
                all.push(format!("closed {why}"));
                return all;
            }
        }
    }
}

#[test]
fn a_client_resumes_where_it_was_or_begins_anew() {
    let mut room = Room::default();
    let ana = join(&mut room, "ana", None, 5).connection;
    assert_eq!(taken(&mut room, ana, Time(0)), ["reset new"]);
    room.rebase(ana, 5);
    for sequence in 6..=9 {
        let sent = patch(&room, sequence, 10);
        room.publish(sent);
    }
    assert_eq!(taken(&mut room, ana, Time(0)), ["6", "7", "8", "9"]);
    let token = |sequence| room.token(sequence);
    let tokens = [token(7), token(9), token(4), token(10), "0-7".to_owned(), "seven".to_owned()];
    let other = Room::default().token(7);
    for (resume, resumed, expected) in [
        (&tokens[0], true, vec!["8", "9"]),
        (&tokens[1], true, vec![]),
        (&tokens[2], false, vec!["reset gap"]),
        (&tokens[3], false, vec!["reset unknown"]),
        (&tokens[4], false, vec!["reset unknown"]),
        (&tokens[5], false, vec!["reset unknown"]),
        (&other, false, vec!["reset unknown"]),
    ] {
        let joined = join(&mut room, "bo", Some(resume), 9);
        assert_eq!(joined.resumed, resumed, "{resume}");
        assert_eq!(taken(&mut room, joined.connection, Time(0)), expected, "{resume}");
        room.leave(joined.connection);
    }
    // Of a history that ended nothing is resumed, though the numbers fit.
    room.renew(ResetReason::Store, 9);
    let joined = join(&mut room, "bo", Some(&tokens[1]), 9);
    assert!(!joined.resumed);
}

#[test]
fn a_slow_client_gets_one_reset_for_all_it_missed() {
    let mut room = Room::default();
    let [slow, quick] = ["slow", "quick"].map(|id| join(&mut room, id, None, 0).connection);
    for connection in [slow, quick] {
        taken(&mut room, connection, Time(0));
        room.rebase(connection, 0);
    }
    for sequence in 1..=1_000 {
        let sent = patch(&room, sequence, 10);
        room.publish(sent);
        assert_eq!(taken(&mut room, quick, Time(0)), [sequence.to_string()]);
    }
    assert_eq!(taken(&mut room, slow, Time(0)), ["reset slow"]);
    assert!(room.take_dropped() > 0);
    // Until it has the drawing it is told of no patch; then of what comes after.
    let sent = patch(&room, 1_001, 10);
    room.publish(sent);
    assert!(taken(&mut room, slow, Time(0)).is_empty());
    room.rebase(slow, 1_001);
    let sent = patch(&room, 1_002, 10);
    room.publish(sent);
    assert_eq!(taken(&mut room, slow, Time(0)), ["1002"]);
    // Few, but too large.
    let sent = patch(&room, 1_003, QUEUED_BYTES + 1);
    room.publish(sent);
    assert_eq!(taken(&mut room, slow, Time(0)), ["reset slow"]);
}

#[test]
fn presence_leaves_no_ghosts_and_a_still_cursor_stays() {
    let mut room = Room::default();
    let [ana, bo] = ["ana", "bo"].map(|id| join(&mut room, id, None, 0).connection);
    for connection in [ana, bo] {
        taken(&mut room, connection, Time(0));
        room.rebase(connection, 0);
    }
    // Any number of moves is one frame, thirty times a second.
    let at = |x: f64| Some(Cursor { x, y: 0.0 });
    let mut frames = 0;
    for ms in 0..1_000 {
        room.moved(bo, at(f64::from(ms)), Vec::new());
        frames += taken(&mut room, ana, Time(u64::from(ms as u32) * 1_000_000)).len();
    }
    assert!((28..=31).contains(&frames), "{frames}");
    // Still, but heard of: it stays. Silent: it goes, and nothing of it is left.
    let second = |s: u64| Time(s * 1_000_000_000);
    for s in 1..60 {
        room.heard(ana, second(s));
        room.heard(bo, second(s));
        room.expire(second(s));
    }
    assert_eq!(room.present().len(), 2);
    assert_eq!(room.present()[1].cursor, at(999.0));
    taken(&mut room, ana, second(60));
    room.heard(ana, second(75));
    room.expire(second(75));
    assert_eq!(room.present().len(), 1);
    assert_eq!(taken(&mut room, bo, second(75)), ["closed silent"]);
    assert_eq!(taken(&mut room, ana, second(76)), ["presence"]);
    room.leave(bo);
    // A connection that comes back is another one: a late end of the old one does not take it away.
    let again = join(&mut room, "bo", None, 0).connection;
    room.leave(bo);
    assert_eq!(room.present().iter().filter(|p| p.connection == again).count(), 1);
    assert!(PRESENCE_EVERY < Duration::from_millis(34));
}

#[test]
fn whoever_was_overwritten_while_away_is_told_on_coming_back() {
    let mut room = Room::default();
    let ana = join(&mut room, "ana", None, 0).connection;
    taken(&mut room, ana, Time(0));
    room.rebase(ana, 0);
    let token = room.token(0);
    room.leave(ana);
    let sent = patch(&room, 1, 10);
    room.publish(sent);
    let told = Sent { sequence: None, name: "conflict", ..patch(&room, 1, 10) };
    room.tell(&participant("ana"), 1, &told);
    let back = join(&mut room, "ana", Some(&token), 1).connection;
    assert_eq!(taken(&mut room, back, Time(0)), ["conflict", "1"]);
    let token = room.token(1);
    room.leave(back);
    let back = join(&mut room, "ana", Some(&token), 1).connection;
    assert!(taken(&mut room, back, Time(0)).is_empty());
}
