//! What reads records; for `fuzz/`.

use std::sync::Arc;

use koine_core::{Content, Profile, UserId};

use super::keys;
use super::ranges::RangeSet;
use super::records::{
    ContentRecord, ConversationRecord, Count, FileRecord, Head, KeyRecord, KindRecord, MemberRecord, MessageRecord,
    PlaceRecord, PlacesRecord, Record, RequestKindRecord, RequestRecord, RequestStateRecord, ShapeRecord, TokenRecord,
    UserRecord,
};
use super::view;

/// Reads bytes as a record of a sort, of which there are [`SORTS`], does with it what is done with records
/// that were read, and says how it would be written. `None`: it is refused as damaged.
pub fn read(sort: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    match sort {
        0 => user(bytes),
        1 => again(&ConversationRecord::decode(bytes).ok()?),
        2 => again(&Head::decode(bytes).ok()?),
        3 => member(bytes),
        4 => content(bytes),
        5 => again(&MessageRecord::decode(bytes).ok()?),
        6 => again(&RequestRecord::decode(bytes).ok()?),
        7 => again(&KeyRecord::decode(bytes).ok()?),
        8 => again(&TokenRecord::decode(bytes).ok()?),
        9 => again(&FileRecord::decode(bytes).ok()?),
        10 => again(&Count::decode(bytes).ok()?),
        11 => again(&Vec::<u64>::decode(bytes).ok()?),
        12 => again(&String::decode(bytes).ok()?),
        13 => key(bytes),
        14 => places(bytes),
        _ => None,
    }
}

/// How many sorts there are.
pub const SORTS: u8 = 15;

fn again(record: &impl Record) -> Option<Vec<u8>> {
    record.encode().ok()
}

fn user(bytes: &[u8]) -> Option<Vec<u8>> {
    let record = UserRecord::decode(bytes).ok()?;
    let written = again(&record);
    view::read_user(UserId::new(1), record).ok()?;
    written
}

fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    let content = Content::try_from(ContentRecord::decode(bytes).ok()?).ok()?;
    again(&ContentRecord::from(&content))
}

/// A membership, asked everything and told everything at heads before, at and after its marks.
fn member(bytes: &[u8]) -> Option<Vec<u8>> {
    let record = MemberRecord::decode(bytes).ok()?;
    for head in [0, 1, record.joined, record.read, 1_000, u64::MAX >> 1] {
        let _ = (record.unread(head), record.row_shown(head), record.unread_at(record.read, head));
        let _ = record.last_visible(head).map(|last| record.may_see(last));
        let _ = record.visible_from_top(head, head / 2);
        let _ = record.delivered_to(head);
        let mut told = record.clone();
        if let Some(next) = head.checked_add(1) {
            told.sent(next);
            told.hide(next);
        }
        told.mark_all_read(head, 0);
    }
    again(&record)
}

fn key(bytes: &[u8]) -> Option<Vec<u8>> {
    if let Some((user, sort, conversation)) = keys::read_chat(bytes) {
        return Some(keys::chat(user, sort, conversation));
    }
    if let Some((first, second)) = keys::numbers(bytes) {
        return Some(keys::two_users(UserId::new(first), UserId::new(second)));
    }
    keys::read_number(bytes).map(keys::number)
}

fn places(bytes: &[u8]) -> Option<Vec<u8>> {
    let record = PlacesRecord::decode(bytes).ok()?;
    let _ = [0, 1, u64::MAX].map(|above| record.find(above));
    again(&record)
}

/// Records of every sort that hold a text, to begin with.
pub fn samples(text: &str) -> Vec<(u8, Vec<u8>)> {
    let shared: Arc<str> = text.into();
    let digits = text.len() as u64;
    let profile = Profile { nickname: Some(Arc::clone(&shared)), ..Profile::default() };
    let user = UserRecord {
        handle: text.to_owned(),
        profile,
        disabled: false,
        created: 1_767_323_045_000,
        login: Some(1_767_323_045_000),
        app: Some(text.to_owned()),
    };
    let direct = ConversationRecord {
        created: 1,
        shape: ShapeRecord::Direct { name: Some(Arc::clone(&shared)), users: [1, 2] },
    };
    let group = ConversationRecord {
        created: 1,
        shape: ShapeRecord::Group { name: Arc::clone(&shared), manager: 1, member_count: 2, dissolved: false },
    };
    let mut member = MemberRecord::new(1, 1, digits);
    member.delivered.insert(digits + 2, digits + 5);
    member.hidden = RangeSet::up_to(digits / 2);
    let plain = ContentRecord::Text(KindRecord::Text, Arc::clone(&shared));
    let json = ContentRecord::Json(KindRecord::Other("card".into()), Arc::clone(&shared));
    let message = MessageRecord { id: 1, client_id: Some(digits), sender: 1, time: 1, content: plain.clone() };
    let request = RequestRecord {
        kind: RequestKindRecord::Invitation,
        from: 1,
        to: 2,
        group: 3,
        note: Some(shared),
        created: 1,
        state: RequestStateRecord::Pending,
        decided: None,
    };
    let file = FileRecord {
        owner: 1,
        md5: "0".repeat(32),
        sha256: "0".repeat(64),
        name: text.to_owned(),
        size: digits,
        media_type: "text/plain".to_owned(),
        created: 1,
    };
    let key = KeyRecord { fingerprint: [7; 16], conversation: 1, seq: digits, id: 3, time: 4 };
    let token = TokenRecord { hash: [7; 32], user: 1, dialect: None, expires: Some(1), created: 1 };
    let records = [
        (0, again(&user)),
        (1, again(&direct)),
        (1, again(&group)),
        (2, again(&Head { seq: digits, id: 1, time: 1 })),
        (3, again(&member)),
        (4, again(&plain)),
        (4, again(&json)),
        (4, again(&ContentRecord::Erased)),
        (5, again(&message)),
        (6, again(&request)),
        (7, again(&key)),
        (8, again(&token)),
        (9, again(&file)),
        (10, again(&Count(digits))),
        (11, again(&vec![1_u64, digits])),
        (12, again(&text.to_owned())),
        (13, Some(keys::chat(UserId::new(digits), keys::Sort::Group, koine_core::ConversationId::new(2)))),
        (
            14,
            again(&PlacesRecord(vec![PlaceRecord {
                above: digits,
                conversation: 1,
                seq: digits,
                client: digits % 2 == 1,
                reads: digits % 3 == 1,
            }])),
        ),
    ];
    records.into_iter().filter_map(|(sort, bytes)| Some((sort, bytes?))).collect()
}
