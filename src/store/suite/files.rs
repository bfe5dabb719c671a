//! Records of uploaded files.

use koine_core::{ErrorKind, File, FileId, Timestamp, UserId};

use super::{World, on_each_engine};
use crate::store::{Action, Queries};

on_each_engine!(a_file_is_found_by_its_id, quotas_hold_for_each_user_and_for_all_together);

fn file(world: &World, owner: UserId, id: u128, size: u64) -> File {
    File {
        id: FileId::new(id),
        md5: "0".repeat(32),
        sha256: "1".repeat(64),
        name: "照片.png".to_owned(),
        size,
        media_type: "image/png".to_owned(),
        created: Timestamp::from_millis(world.now),
        owner: world.find(owner).to_ref(),
        url: String::new(),
    }
}

fn add(file: File, user_quota: u64, total_quota: u64) -> Action {
    Action::AddFile { file: Box::new(file), user_quota, total_quota }
}

fn a_file_is_found_by_its_id(world: &mut World) {
    let tom = world.user("tom");
    let file = file(world, tom, u128::MAX, 5);
    world.told(None, add(file.clone(), 100, 100));
    world.reopen();
    assert_eq!(world.store().file(file.id).unwrap(), Some(file));
    assert_eq!(world.store().file(FileId::new(1)).unwrap(), None);
}

fn quotas_hold_for_each_user_and_for_all_together(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let mut next = 0;
    let mut upload = |world: &mut World, owner, size| {
        next += 1;
        let file = file(world, owner, next, size);
        world.outcome(None, add(file, 10, 15)).map(|_| ())
    };
    assert_eq!(upload(world, tom, 6), Ok(()));
    assert_eq!(upload(world, tom, 5), Err(ErrorKind::TooLarge));
    assert_eq!(upload(world, tom, 4), Ok(()));
    world.reopen();
    assert_eq!(upload(world, jack, 6), Err(ErrorKind::TooLarge), "over what all may keep");
    assert_eq!(upload(world, jack, 5), Ok(()));
    assert_eq!(upload(world, jack, u64::MAX), Err(ErrorKind::TooLarge));
}
