//! Random histories against a map: whatever is committed, dropped and reopened, reads must agree.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;

on_each_engine!(random_histories_agree_with_a_map);

const SPACES: [Space; 3] = [LOG, HEADS, Space::dated("log", 1)];

type Key = Vec<u8>;
type Model = BTreeMap<(Space, Key), Vec<u8>>;
type Bounds = (Bound<Key>, Bound<Key>);

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<(Space, Key, Option<Vec<u8>>)>, Durability),
    Drop(Space),
    Scan(Space, Bounds, Direction, usize),
    Reopen,
}

fn space() -> impl Strategy<Value = Space> {
    prop::sample::select(&SPACES[..])
}

/// Few different bytes, so that keys collide and are prefixes of each other.
fn bytes(length: Range<usize>) -> impl Strategy<Value = Key> {
    vec(prop::sample::select(&[0_u8, 1, b'-', b'1', 255][..]), length)
}

fn key() -> impl Strategy<Value = Key> {
    bytes(1..4)
}

fn bound() -> impl Strategy<Value = Bound<Key>> {
    prop_oneof![Just(Bound::Unbounded), bytes(0..4).prop_map(Bound::Included), bytes(0..4).prop_map(Bound::Excluded)]
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop::option::weighted(0.7, vec(any::<u8>(), 0..40));
    let durability = prop::sample::select(&[Durability::Sync, Durability::Lazy][..]);
    let direction = prop::sample::select(&[Direction::Forward, Direction::Reverse][..]);
    prop_oneof![
        12 => (vec((space(), key(), value), 0..30), durability).prop_map(|(batch, durability)| Step::Commit(batch, durability)),
        8 => (space(), (bound(), bound()), direction, 0_usize..20)
            .prop_map(|(space, bounds, direction, limit)| Step::Scan(space, bounds, direction, limit)),
        1 => space().prop_map(Step::Drop),
        1 => Just(Step::Reopen),
    ]
}

fn random_histories_agree_with_a_map(kind: EngineKind) {
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in vec(step(), 1..60))| run(kind, steps)?);
}

fn run(kind: EngineKind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = open_in(directory.path(), kind);
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Commit(operations, durability) => {
                engine.commit(batch(&operations), durability).unwrap();
                for (space, key, value) in operations {
                    match value {
                        Some(value) => model.insert((space, key), value),
                        None => model.remove(&(space, key)),
                    };
                }
            }
            Step::Drop(space) => {
                engine.drop_space(space).unwrap();
                model.retain(|(kept, _), _| *kept != space);
            }
            Step::Scan(space, bounds, direction, limit) => {
                prop_assert_eq!(
                    scan(&*engine, space, &bounds, direction, limit),
                    expected(&model, space, &bounds, direction, limit)
                );
            }
            Step::Reopen => {
                drop(engine);
                engine = open_in(directory.path(), kind);
            }
        }
    }
    drop(engine);
    agrees(&*open_in(directory.path(), kind), &model)
}

fn batch(operations: &[(Space, Key, Option<Vec<u8>>)]) -> Batch {
    let mut batch = Batch::new();
    for (space, key, value) in operations {
        match value {
            Some(value) => batch.put(*space, key.clone(), value.clone()),
            None => batch.delete(*space, key.clone()),
        }
    }
    batch
}

fn agrees(engine: &dyn Engine, model: &Model) -> Result<(), TestCaseError> {
    let everything = (Bound::Unbounded, Bound::Unbounded);
    for space in SPACES {
        let expected = expected(model, space, &everything, Direction::Forward, usize::MAX);
        for (key, value) in &expected {
            let found = engine.get(space, key).unwrap();
            prop_assert_eq!(found.as_deref(), Some(value.as_slice()));
        }
        prop_assert_eq!(scan(engine, space, &everything, Direction::Forward, usize::MAX), expected);
    }
    Ok(())
}

fn scan(engine: &dyn Engine, space: Space, bounds: &Bounds, direction: Direction, limit: usize) -> Vec<(Key, Vec<u8>)> {
    let range = (bounds.0.as_ref().map(Vec::as_slice), bounds.1.as_ref().map(Vec::as_slice));
    let found = engine.scan(space, range, direction, limit).unwrap();
    found.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn expected(model: &Model, space: Space, bounds: &Bounds, direction: Direction, limit: usize) -> Vec<(Key, Vec<u8>)> {
    let above = |key: &Key| match &bounds.0 {
        Bound::Unbounded => true,
        Bound::Included(low) => key >= low,
        Bound::Excluded(low) => key > low,
    };
    let below = |key: &Key| match &bounds.1 {
        Bound::Unbounded => true,
        Bound::Included(high) => key <= high,
        Bound::Excluded(high) => key < high,
    };
    let inside = model.iter().filter(|((in_space, key), _)| *in_space == space && above(key) && below(key));
    let pairs = inside.map(|((_, key), value)| (key.clone(), value.clone()));
    match direction {
        Direction::Forward => pairs.take(limit).collect(),
        Direction::Reverse => pairs.rev().take(limit).collect(),
    }
}
