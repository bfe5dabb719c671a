//! GET `/api/message`.

use std::sync::Arc;

use ::http::{Method, StatusCode};
use koine_core::{
    Command, Content, ConversationId, Error, ErrorKind, LogEntry, Message, MessageList, PullFilter, Receipt, Reply,
    Rows,
};
use serde_json::{Value, json};

use super::{call, json as parse, message, request, respond, to, to_group, user};

const PATH: &str = "/api/message";

fn reply(messages: Vec<Arc<Message>>) -> Reply {
    let entry = |message| LogEntry { message, read_time: None, read_by_others: false, read: false, delivered: false };
    let rows: Vec<LogEntry> = messages.into_iter().map(entry).collect();
    let receipt = Receipt { ranges: vec![(ConversationId::new(9), 1, 4)] };
    Reply::Messages(MessageList { total: 4, rows: rows.into(), receipt })
}

fn four() -> Reply {
    reply(vec![
        message(1, user(2, "jack"), to(user(1, "tom")), Content::text("a")),
        message(2, user(3, "ann"), to_group(7), Content::text("b")),
        message(3, user(2, "jack"), to_group(7), Content::text("c")),
        message(4, user(2, "jack"), to(user(1, "tom")), Content::Erased),
    ])
}

fn order(body: &Value) -> Vec<(String, Vec<i64>)> {
    let sender = |group: &Value| {
        let times = group["messages"].as_array().unwrap().iter().map(|one| one["timestamp"].as_i64().unwrap());
        (group["id"].as_str().unwrap().to_owned(), times.collect())
    };
    body.as_array().unwrap().iter().map(sender).collect()
}

#[test]
fn messages_come_by_sender_oldest_first() {
    let (status, body) = respond(&Method::GET, PATH, Ok(four()));
    assert_eq!(status, StatusCode::OK);
    let expected = json!([
        {"id": "jack", "messages": [
            {"type": "unicast", "senderId": "jack", "receiverId": "tom", "content": "a", "timestamp": 1},
            {"type": "multicast", "senderId": "jack", "groupId": "7", "content": "c", "timestamp": 3},
            {"type": "unicast", "senderId": "jack", "receiverId": "tom", "content": "[erased]", "timestamp": 4}]},
        {"id": "ann", "messages": [
            {"type": "multicast", "senderId": "ann", "groupId": "7", "content": "b", "timestamp": 2}]}
    ]);
    assert_eq!(parse(&body), expected);
}

#[test]
fn descending_turns_senders_and_messages_around() {
    let Reply::Messages(list) = four() else { panic!("not messages") };
    let mut entries = list.rows.collect_all().unwrap();
    entries.reverse();
    let list = MessageList { rows: entries.into(), ..list };
    let (_, body) = respond(&Method::GET, PATH, Ok(Reply::Messages(list)));
    assert_eq!(order(&parse(&body)), [("jack".to_owned(), vec![4, 3, 1]), ("ann".to_owned(), vec![2])]);
}

#[test]
fn nothing_pending_is_an_empty_array() {
    assert_eq!(respond(&Method::GET, PATH, Ok(reply(Vec::new()))), (StatusCode::OK, "[]".to_owned()));
}

#[test]
fn parameters_have_the_documents_words_and_defaults() {
    let filter = |query: &[(&str, &str)]| match call(PATH, &request(Method::GET, query)).unwrap().command {
        Command::Pull(pull) => (pull.filter, pull.limit),
        other => panic!("{other:?}"),
    };
    assert_eq!(filter(&[]), (PullFilter::All, None));
    assert_eq!(filter(&[("type", "all"), ("sort", "desc")]), (PullFilter::All, None));
    assert_eq!(filter(&[("type", "unicast"), ("sort", "asc")]), (PullFilter::Direct, None));
    assert_eq!(filter(&[("type", "MULTICAST"), ("sort", "DESC")]), (PullFilter::Group, None));
    for query in [("type", "friends"), ("sort", "up"), ("drop", "maybe"), ("sort", "")] {
        let why = call(PATH, &request(Method::GET, &[query])).expect_err("an error");
        assert_eq!(why.kind(), ErrorKind::BadRequest, "{query:?}");
    }
}

#[test]
fn dropping_takes_exactly_what_was_returned() {
    for query in [&[][..], &[("drop", "true")], &[("drop", "1")]] {
        let after = call(PATH, &request(Method::GET, query)).unwrap().after.expect("a command");
        let Some(Command::Confirm(receipt)) = after(&four()) else { panic!("a confirmation") };
        assert_eq!(receipt.ranges, [(ConversationId::new(9), 1, 4)]);
    }
}

#[test]
fn without_dropping_nothing_is_taken() {
    assert!(call(PATH, &request(Method::GET, &[("drop", "false")])).unwrap().after.is_none());
}

#[test]
fn a_fault_while_reading_is_an_error_and_not_half_a_list() {
    let rows = Rows::new(std::iter::once(Err(Error::new(ErrorKind::Unavailable))));
    let list = MessageList { total: 1, rows, receipt: Receipt::default() };
    let (status, _) = respond(&Method::GET, PATH, Ok(Reply::Messages(list)));
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}
