//! What can happen, and histories drawn at random.

use crate::config::DialectName;
use crate::store::engine::simulated::Fault;

use super::random::Random;

/// Users of a world.
pub(super) const USERS: u64 = 5;

/// One thing that happens. Places (`at`, `group`, `session`) count what there is at that moment, round
/// and round, so that a history with steps taken out is still a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A user's client connects; on status-code it faces `peer`.
    Connect { user: u64, dialect: DialectName, peer: u64 },
    /// A client is gone without a word.
    Vanish { at: usize },
    /// A client says goodbye.
    Leave { at: usize },
    /// A client's network or its program changes.
    Mood { at: usize, mood: Mood },
    /// A client says things, one after the other.
    Say { at: usize, to: Target, times: usize },
    /// What a user's clients sent under ids of their own and saw no answer to is sent again.
    Retry { at: usize },
    /// An access-token client pulls; the reply may get lost on the way.
    Pull { user: u64, drop: bool, lost: bool },
    /// An auth-ack client pulls, and acknowledges in the same request what it got the last time.
    Offline { user: u64, lost: bool },
    /// A user-sig client reads a page of a session's history.
    History { user: u64, session: usize, size: u64, lost: bool },
    /// A user-sig client marks a session as read.
    Read { user: u64, session: usize },
    /// A group is made; whoever's bit is set becomes a member.
    Group { manager: u64, members: u64 },
    /// A user comes into a group.
    Join { user: u64, group: usize },
    /// A user is removed from a group; its manager's removal dissolves it.
    Remove { user: u64, group: usize },
    /// A user blocks another, or takes it back.
    Block { blocker: u64, blocked: u64, block: bool },
    /// An operator ends a user's connections.
    Kick { user: u64 },
    /// Milliseconds pass.
    Wait(u64),
    /// Something goes wrong at the commit after the next `after` ones.
    Fail { after: u64, fault: Fault },
    /// The process is killed and started again.
    Kill,
    /// The power is cut; of what was written lazily `kept` commits stay.
    CutPower { kept: usize },
    /// The server is stopped as it should be, and started again.
    Restart,
}

/// To whom something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A user.
    User(u64),
    /// A group.
    Group(usize),
}

/// What changes about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// It looks at its socket only now and then.
    ReadsSlowly,
    /// Its Pongs get lost.
    LosesPongs,
    /// It acknowledges no messages (auth-ack).
    LosesAcks,
    /// Nothing goes either way any more, and nobody is told.
    HalfOpen,
    /// It takes things in before it answers Pings, and everything works.
    Well,
}

/// A history of a seed.
pub(super) fn history(seed: u64, length: usize) -> Vec<Step> {
    let mut random = Random::new(seed);
    // Some histories are stormy, some are calm.
    let weather = random.below(3);
    let mut steps = Vec::with_capacity(length);
    for user in 0..USERS {
        steps.push(connect(&mut random, user));
    }
    steps.push(Step::Group { manager: random.below(USERS), members: random.any() });
    while steps.len() < length {
        steps.push(step(&mut random, weather));
    }
    steps
}

fn step(random: &mut Random, weather: u64) -> Step {
    let user = random.below(USERS);
    let at = random.place(64);
    let lost = random.once_in(4);
    match random.below(100) {
        0..=35 => Step::Say { at, to: target(random), times: times(random) },
        36..=43 => connect(random, user),
        44..=46 => Step::Vanish { at },
        47 => Step::Leave { at },
        48..=54 => Step::Mood { at, mood: mood(random) },
        55..=57 => Step::Retry { at },
        58..=61 => Step::Pull { user, drop: !random.once_in(4), lost },
        62..=64 => Step::Offline { user, lost },
        65..=68 => Step::History { user, session: at, size: 1 + random.below(12), lost },
        69..=71 => Step::Read { user, session: at },
        72 => Step::Group { manager: user, members: random.any() },
        73..=75 => Step::Join { user, group: at },
        76..=77 => Step::Remove { user, group: at },
        78..=80 => Step::Block { blocker: user, blocked: random.below(USERS), block: random.once_in(2) },
        81 => Step::Kick { user },
        82..=95 => Step::Wait(random.one_of(&[1, 3, 20, 100, 260, 400, 700, 1_500, 6_000, 40_000])),
        _ if weather == 0 => Step::Wait(random.one_of(&[1, 50, 600, 95_000])),
        _ => disaster(random),
    }
}

fn connect(random: &mut Random, user: u64) -> Step {
    Step::Connect { user, dialect: random.one_of(&DialectName::ALL), peer: random.below(USERS) }
}

fn target(random: &mut Random) -> Target {
    if random.once_in(3) { Target::Group(random.place(8)) } else { Target::User(random.below(USERS)) }
}

fn times(random: &mut Random) -> usize {
    if random.once_in(8) { 4 + random.place(24) } else { 1 + random.place(3) }
}

fn mood(random: &mut Random) -> Mood {
    random.one_of(&[
        Mood::ReadsSlowly,
        Mood::ReadsSlowly,
        Mood::LosesPongs,
        Mood::LosesAcks,
        Mood::HalfOpen,
        Mood::Well,
        Mood::Well,
    ])
}

fn disaster(random: &mut Random) -> Step {
    let kept = random.place(4);
    match random.below(8) {
        0 => Step::Kill,
        1 => Step::CutPower { kept },
        2 => Step::Restart,
        3 | 4 => Step::Fail { after: random.below(6), fault: Fault::EndBefore },
        5 | 6 => Step::Fail { after: random.below(6), fault: Fault::EndAfter },
        _ => Step::Fail { after: random.below(6), fault: Fault::Error { written: random.once_in(2) } },
    }
}
