//! Stored tokens.

use koine_core::{ErrorKind, Timestamp, UserKey};

use super::{World, on_each_engine};
use crate::config::DialectName;
use crate::store::{Action, Outcome, Queries, Store};

on_each_engine!(
    a_token_is_found_by_its_hash_until_it_is_revoked,
    a_token_is_stored_once_and_for_a_known_user,
    revoking_changes_the_epoch_only_if_there_was_a_token,
);

fn add(world: &mut World, user: koine_core::UserId, hash: [u8; 32]) -> Result<u64, ErrorKind> {
    let expires = Some(Timestamp::from_millis(5));
    let dialect = DialectName::ALL.first().copied();
    match world.outcome(None, Action::AddToken { user: UserKey::Id(user), hash, dialect, expires })? {
        Outcome::Token(id) => Ok(id),
        other => panic!("{other:?}"),
    }
}

fn revoke(world: &mut World, id: u64) -> bool {
    match world.outcome(None, Action::RevokeToken(id)) {
        Ok(Outcome::Revoked(there)) => there,
        other => panic!("{other:?}"),
    }
}

fn a_token_is_found_by_its_hash_until_it_is_revoked(world: &mut World) {
    let tom = world.user("tom");
    let [first, second] = [[1; 32], [2; 32]].map(|hash| add(world, tom, hash).unwrap());
    world.reopen();
    let found = world.store().token(&[1; 32]).unwrap().unwrap();
    assert_eq!((found.id, found.user, found.expires), (first, tom, Some(Timestamp::from_millis(5))));
    assert_eq!(found.dialect, DialectName::ALL.first().copied());
    assert!(revoke(world, first) && !revoke(world, first));
    assert_eq!(world.store().token(&[1; 32]).unwrap(), None);
    assert_eq!(world.store().token(&[2; 32]).unwrap().unwrap().id, second);
    assert!(add(world, tom, [1; 32]).unwrap() > second);
}

fn a_token_is_stored_once_and_for_a_known_user(world: &mut World) {
    let tom = world.user("tom");
    add(world, tom, [1; 32]).unwrap();
    assert_eq!(add(world, tom, [1; 32]), Err(ErrorKind::KeyConflict));
    assert_eq!(add(world, koine_core::UserId::new(9), [2; 32]), Err(ErrorKind::UserNotFound));
}

fn revoking_changes_the_epoch_only_if_there_was_a_token(world: &mut World) {
    let tom = world.user("tom");
    let token = add(world, tom, [1; 32]).unwrap();
    let epoch = |world: &World| Store::revocation_epoch(&*world.store());
    let before = epoch(world);
    revoke(world, token + 1);
    assert_eq!(epoch(world), before);
    revoke(world, token);
    assert_ne!(epoch(world), before);
}
