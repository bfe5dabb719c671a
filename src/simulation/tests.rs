//! What the simulation is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::client::Sabotage;
use super::run::{Failure, live, seeds};
use super::step::history;
use super::world::{Ground, Mutation};
use crate::config::DialectName;

/// Steps of one history.
const STEPS: usize = 200;

#[test]
fn nothing_is_lost_repeated_or_reordered_whatever_happens() {
    if let Some(seed) = std::env::var("SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let lived = live(&Arc::new(Ground::new(Mutation::default())), &history(seed, STEPS));
        println!("{}", lived.transcript.join("\n"));
        return assert_eq!(lived.problem, None);
    }
    let long = std::env::var_os("LONG_TESTS").is_some_and(|value| value == "1");
    let count = if long { 10_000 } else { 200 };
    if let Some(failure) = seeds(Mutation::default(), 0..count, STEPS) {
        let Failure { seed, problem, transcript } = failure;
        panic!("seed {seed}: {problem}\n{}", transcript.join("\n"));
    }
    println!("{count} histories of {STEPS} steps, each equal to the model's");
}

#[test]
fn the_same_seed_is_the_same_history() {
    let ground = Arc::new(Ground::new(Mutation::default()));
    for seed in 1_000..1_003 {
        let steps = history(seed, STEPS);
        assert_eq!(live(&ground, &steps), live(&ground, &steps));
    }
}

#[test]
fn histories_reach_every_kind_of_trouble() {
    let ground = Arc::new(Ground::new(Mutation::default()));
    let mut reached: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 2_000..2_020 {
        for (what, times) in live(&ground, &history(seed, STEPS)).tally {
            *reached.entry(what).or_insert(0) += times;
        }
    }
    let troubles = ["told again", "sent again", "too slow", "crash", "found after a crash", "confirmation gone"];
    for what in DialectName::ALL.map(DialectName::as_str).iter().chain(&troubles) {
        assert!(reached.contains_key(what), "{what} was never reached, only {reached:?}");
    }
}

#[test]
fn a_disk_that_lies_is_noticed() {
    notices(Mutation { disk_lies: true, ..Mutation::default() });
}

#[test]
fn confirming_without_a_pong_is_noticed() {
    notices(Mutation { written_confirms: true, ..Mutation::default() });
}

#[test]
fn a_frame_that_gets_lost_is_noticed() {
    notices(Mutation { sabotage: Sabotage { loses: Some(40), repeats: None }, ..Mutation::default() });
}

#[test]
fn a_frame_that_comes_twice_is_noticed() {
    notices(Mutation { sabotage: Sabotage { loses: None, repeats: Some(40) }, ..Mutation::default() });
}

/// A broken server must fail within a few histories, and the history must become short.
fn notices(mutation: Mutation) {
    let failure = seeds(mutation, 0..30, STEPS).expect("nobody has noticed");
    let steps = failure.transcript.iter().filter(|line| line.starts_with('[')).count();
    assert!(steps < STEPS / 4, "{steps} steps are left: {}", failure.problem);
}
