//! How often a message allocates on its way through each dialect's codec: fixed numbers, so that nobody adds one
//! without noticing.

#![expect(clippy::expect_used, reason = "a program that cannot measure has nothing else to do")]

mod codec;

use std::alloc::System;

use codec::Codec;
use koine::config::DialectName;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Messages that are counted, after as many that are not: buffers have grown by then.
const MESSAGES: usize = 1_000;

/// Allocations, and reallocations with them, of one message: its frame decoded, its sender told, its receivers'
/// frame encoded.
const ALLOWED: [(DialectName, usize); 5] = [
    (DialectName::UserSig, 5),
    (DialectName::AccessToken, 3),
    (DialectName::StatusCode, 2),
    (DialectName::Envelope, 7),
    (DialectName::AuthAck, 3),
];

#[test]
fn a_message_allocates_as_often_as_is_written_here() {
    let counted = ALLOWED.map(|(name, _)| {
        let mut codec = Codec::new(name);
        (0..MESSAGES).for_each(|_| assert!(codec.message() > 0));
        let region = Region::new(ALLOCATOR);
        (0..MESSAGES).for_each(|_| assert!(codec.message() > 0));
        let change = region.change();
        (name, (change.allocations + change.reallocations) / MESSAGES)
    });
    assert_eq!(counted, ALLOWED, "fewer is welcome: write it down; more needs a reason");
}
