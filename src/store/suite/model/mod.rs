//! Random operations, with restarts and flushes between them, against the plainest reference.
//!
//! `KOINE_STORE_CASES` sets how many sequences each engine gets.

mod compare;
mod reference;
mod step;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::compare::compare;
use self::reference::Reference;
use self::step::Step;
use super::{World, on_each_engine};
use crate::store::engine::EngineKind;

on_each_engine!(the_store_is_what_a_list_and_some_sets_would_be);

/// Users in a sequence.
const USERS: usize = 4;
/// Sequences for each engine, unless the environment asks for more.
const CASES: u32 = 24;
/// After how many steps everything is compared.
const BETWEEN: usize = 4;

fn the_store_is_what_a_list_and_some_sets_would_be(world: &mut World) {
    let cases = std::env::var("KOINE_STORE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let kind = world.kind();
    let steps = prop::collection::vec(step::any_step(USERS), 1..120);
    runner
        .run(&steps, |steps| {
            run(kind, &steps);
            Ok(())
        })
        .unwrap();
}

fn run(kind: EngineKind, steps: &[Step]) {
    let mut world = World::new(kind);
    let users: Vec<_> = (0..USERS).map(|n| world.user(&format!("user {n}"))).collect();
    let mut reference = Reference::default();
    for (number, step) in steps.iter().enumerate() {
        step.carry_out(&mut world, &mut reference, &users, number);
        if number % BETWEEN == 0 || number + 1 == steps.len() {
            compare(&world, &reference, &users);
        }
    }
    assert_eq!(world.checked().findings, []);
}
