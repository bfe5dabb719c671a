//! One suite for the domain's store over every engine: each behaviour is a function of a [`World`], and
//! `on_each_engine!` makes a test of it for each engine.

mod blocks;
mod catching_up;
mod conversations;
mod delivery;
mod direct;
mod double;
mod effects;
mod failure;
mod files;
mod groups;
mod history;
mod idempotency;
mod model;
mod races;
mod read_by_others;
mod requests;
mod rows;
mod sending;
mod tokens;
mod unread;
mod users;
mod world;

use world::{World, handle, text};

macro_rules! on_each_engine {
    ($($name:ident),* $(,)?) => {
        mod fjall {
            $(#[test] fn $name() {
                super::$name(&mut crate::store::suite::World::new(crate::store::engine::EngineKind::Fjall));
            })*
        }
        mod sled {
            $(#[test] fn $name() {
                super::$name(&mut crate::store::suite::World::new(crate::store::engine::EngineKind::Sled));
            })*
        }
    };
}
use on_each_engine;
