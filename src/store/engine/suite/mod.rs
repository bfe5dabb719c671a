//! One suite for every engine. `on_each_engine!` turns a function of an engine kind into a test for each.

mod behaviour;
mod crash;
mod model;
mod poison;
mod position;

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use super::{Batch, Direction, Durability, Engine, EngineKind, KeyRange, Read, Space, open};

/// Small, so that the tests also read from the disk.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;

const LOG: Space = Space::fixed("log");
const HEADS: Space = Space::fixed("heads");
const EVERYTHING: KeyRange<'static> = (Bound::Unbounded, Bound::Unbounded);

macro_rules! on_each_engine {
    ($($name:ident),* $(,)?) => {
        mod fjall {
            $(#[test] fn $name() { super::$name(crate::store::engine::EngineKind::Fjall) })*
        }
        mod sled {
            $(#[test] fn $name() { super::$name(crate::store::engine::EngineKind::Sled) })*
        }
    };
}
use on_each_engine;

fn open_in(directory: &Path, kind: EngineKind) -> Arc<dyn Engine> {
    open(kind, directory, CACHE_BYTES).unwrap()
}

fn put(engine: &dyn Engine, space: Space, pairs: &[(&str, &str)]) {
    let mut batch = Batch::new();
    for (key, value) in pairs {
        batch.put(space, *key, *value);
    }
    engine.commit(batch, Durability::Sync).unwrap();
}

fn get(reader: &(impl Read + ?Sized), space: Space, key: &str) -> Option<String> {
    reader.get(space, key.as_bytes()).unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

fn keys(
    reader: &(impl Read + ?Sized),
    space: Space,
    range: KeyRange<'_>,
    direction: Direction,
    limit: usize,
) -> Vec<String> {
    let pairs = reader.scan(space, range, direction, limit).unwrap();
    pairs.into_iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()).collect()
}

fn all_keys(reader: &(impl Read + ?Sized), space: Space) -> Vec<String> {
    keys(reader, space, EVERYTHING, Direction::Forward, usize::MAX)
}
