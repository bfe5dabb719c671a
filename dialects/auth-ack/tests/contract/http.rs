//! Every endpoint, there and back.

use http::{HeaderValue, Method, StatusCode};
use koine_auth_ack::AuthAck;
use koine_core::{
    Access, Call, ChatId, ChatKey, Claim, Command, Context, ConversationRow, Dialect, Error, ErrorKind, Existing,
    HttpRequest, HttpResponse, MessageId, MessageList, Paging, Payload, PullFilter, Receipt, Reply, Rows, Timestamp,
    Token, UserId, UserKey, UserRef, Zone,
};
use serde_json::{Value, json};

use crate::support::{NOON, content, conversation_of, direct, endpoint, entry, in_group, post, user};

fn asked(path: &str, body: &str) -> Result<Command, ErrorKind> {
    let zone = Zone::utc();
    let context = Context { user: None, now: NOON, zone: &zone };
    let call = endpoint(path).request(&context, &post(body));
    call.map(|Call { command, after }| {
        assert!(after.is_none());
        command
    })
    .map_err(|error| error.kind())
}

fn answered(path: &str, reply: Reply) -> HttpResponse {
    let zone = Zone::utc();
    let me: UserRef = user(2).to_ref();
    endpoint(path).response(
        &Context { user: Some(&me), now: NOON, zone: &zone },
        &koine_core::HttpRequest::new(http::Method::GET),
        Ok(reply),
    )
}

fn body(response: HttpResponse) -> Value {
    assert_eq!(response.status, StatusCode::OK);
    serde_json::from_slice(&response.into_bytes().expect("a body")).expect("JSON")
}

fn claim(path: &str, body: &str) -> Result<Claim, ErrorKind> {
    let Access::Claimed { claim, .. } = endpoint(path).access() else { panic!("{path} is open") };
    claim(&post(body)).map_err(|error| error.kind())
}

fn token(request: &HttpRequest) -> Option<Token> {
    let Access::Claimed { find, .. } = endpoint("/user/chat/list").access() else { panic!("open") };
    find(request)
}

fn id(number: u64) -> UserKey {
    UserKey::Id(UserId::new(number))
}

fn list(rows: Vec<koine_core::LogEntry>) -> Reply {
    Reply::Messages(MessageList { total: rows.len() as u64, rows: rows.into(), receipt: Receipt::default() })
}

#[test]
fn every_endpoint_is_a_post_and_all_but_two_need_to_know_who_asks() {
    let open: Vec<_> = AuthAck::default()
        .endpoints()
        .iter()
        .inspect(|endpoint| assert_eq!(endpoint.method(), Method::POST))
        .filter(|endpoint| matches!(endpoint.access(), Access::Open))
        .map(|endpoint| endpoint.path())
        .collect();
    assert_eq!(open, ["/user/register", "/message/get/id"]);
}

#[test]
fn a_registration_names_the_handle_and_returns_who_exists() {
    let body = r#"{"company":"any","app":"shop","thirdUserId":12}"#;
    let Ok(Command::Register(register)) = asked("/user/register", body) else { panic!("not a registration") };
    assert_eq!((register.handle.as_str(), register.app.as_deref()), ("12", Some("shop")));
    assert_eq!(register.existing, Existing::Return);
}

#[test]
fn a_registration_without_a_usable_third_user_id_is_400() {
    let long = json!({"thirdUserId": "a".repeat(129)}).to_string();
    for body in ["{}", r#"{"thirdUserId":""}"#, r#"{"thirdUserId":{}}"#, r#"{"thirdUserId":"a\u0001"}"#, "[]", &long] {
        assert_eq!(asked("/user/register", body).err(), Some(ErrorKind::BadRequest), "{body}");
    }
}

#[test]
fn new_and_known_users_get_their_number() {
    for new in [true, false] {
        let response = answered("/user/register", Reply::Registered { user: user(5), new });
        assert_eq!(body(response), json!({"userId": 5}));
    }
}

#[test]
fn a_page_is_asked_for_over_all_conversations_or_of_one() {
    let all = asked("/message/user/get/page", r#"{"userId":3,"pageNum":"2","pageSize":10}"#);
    let Ok(Command::Timeline { between: None, paging }) = all else { panic!("{all:?}") };
    assert_eq!(paging, Paging::Page { number: 2, size: 10 });

    let one = r#"{"userId":3,"fromUserId":3,"toUserId":2,"pageNum":1,"pageSize":10}"#;
    let one = asked("/message/user/get/page", one);
    let Ok(Command::Timeline { between: Some(between), .. }) = one else { panic!("{one:?}") };
    assert_eq!(between, [id(3), id(2)]);
}

#[test]
fn a_page_without_a_number_or_a_size_is_400() {
    for body in [
        r#"{"userId":3,"pageSize":10}"#,
        r#"{"userId":3,"pageNum":1}"#,
        r#"{"userId":3,"pageNum":0,"pageSize":10}"#,
        r#"{"userId":3,"pageNum":1,"pageSize":0}"#,
        r#"{"userId":3,"pageNum":1,"pageSize":"ten"}"#,
        r#"{"userId":3,"pageNum":1,"pageSize":10,"fromUserId":"x","toUserId":2}"#,
    ] {
        assert_eq!(asked("/message/user/get/page", body).err(), Some(ErrorKind::BadRequest), "{body}");
    }
}

#[test]
fn a_message_in_a_list_has_every_key() {
    let rows = vec![
        entry(direct(3, 2, content("Text", "消息内容")), false, true),
        entry(in_group(3, content("Image", "/a.png")), true, false),
    ];
    let both = body(answered("/message/user/get/page", list(rows)));
    assert_eq!(
        both,
        json!([
            {"msgType": "Text", "fromUserId": 3, "isRead": false, "eventType": null, "toUserId": 2, "content": "消息内容",
             "stateEnum": "Client", "teamId": null, "name": null, "serverSendTime": null,
             "id": 1_268_242_042_090_295_296_u64, "chatType": "Single", "timestamp": 1_722_492_806_373_u64},
            {"msgType": "Image", "fromUserId": 3, "isRead": true, "eventType": null, "toUserId": null, "content": "/a.png",
             "stateEnum": "Server", "teamId": 12, "name": "Crew", "serverSendTime": null,
             "id": 77, "chatType": "Group", "timestamp": 1_722_492_806_373_u64},
        ])
    );
    assert_eq!(body(answered("/message/user/get/page", list(Vec::new()))), json!([]));
}

#[test]
fn a_fault_in_the_middle_of_a_list_ends_it() {
    let rows =
        Rows::new([Ok(entry(direct(3, 2, content("Text", "a")), false, true)), Err(Error::internal())].into_iter());
    let reply = Reply::Messages(MessageList { total: 2, rows, receipt: Receipt::default() });
    assert!(answered("/message/user/get/page", reply).into_bytes().is_err());
}

#[test]
fn pending_messages_are_pulled_and_earlier_ones_acknowledged_along() {
    for (body, ids) in [
        (r#"{"userId":3}"#, vec![]),
        (r#"{"userId":3,"ack":null}"#, vec![]),
        (r#"{"userId":3,"ack":[5,"18446744073709551615"]}"#, vec![5, u64::MAX]),
        (r#"{"userId":3,"ack":5}"#, vec![5]),
    ] {
        let Ok(Command::Pull(pull)) = asked("/message/offline", body) else { panic!("{body}") };
        assert_eq!((pull.filter, pull.limit, pull.acknowledge), (PullFilter::All, None, ids));
    }
    for body in [r#"{"userId":3,"ack":["x"]}"#, r#"{"userId":3,"ack":{}}"#, r#"{"userId":3,"ack":[0]}"#] {
        assert_eq!(asked("/message/offline", body).err(), Some(ErrorKind::BadRequest), "{body}");
    }
    let rows = vec![entry(direct(3, 2, content("Text", "a")), false, false)];
    assert_eq!(body(answered("/message/offline", list(rows)))[0]["stateEnum"], "Server");
}

#[test]
fn a_fresh_id_needs_no_more_than_an_object() {
    assert!(matches!(asked("/message/get/id", "{}"), Ok(Command::ReserveMessageId)));
    let reply = Reply::MessageId(MessageId::new(9_007_199_254_740_991));
    assert_eq!(body(answered("/message/get/id", reply)), json!({"id": 9_007_199_254_740_991_u64}));
}

#[test]
fn a_chat_is_read_or_deleted_by_its_row_without_a_body() {
    let read = asked("/user/chat/clear/unread", r#"{"id":2}"#);
    assert!(matches!(read, Ok(Command::MarkRead(ChatKey::Chat(chat))) if chat == ChatId::new(2)));
    let hidden = asked("/user/delete/chat/list", r#"{"id":"2"}"#);
    assert!(matches!(hidden, Ok(Command::HideChat(chat)) if chat == ChatId::new(2)));
    for (path, reply) in [("/user/chat/clear/unread", Reply::Marked(3)), ("/user/delete/chat/list", Reply::Done)] {
        let response = answered(path, reply);
        assert_eq!(response.status, StatusCode::OK);
        assert!(response.into_bytes().expect("a body").is_empty());
        assert_eq!(asked(path, "{}").err(), Some(ErrorKind::BadRequest));
        assert_eq!(claim(path, r#"{"id":2}"#), Ok(Claim::Chat(ChatId::new(2))));
        assert_eq!(claim(path, r#"{"id":0}"#), Err(ErrorKind::BadRequest));
    }
}

#[test]
fn the_chat_list_shows_the_owner_the_peer_and_the_last_message() {
    let command = asked("/user/chat/list", r#"{"userId":2}"#);
    assert!(matches!(command, Ok(Command::Conversations { paging: Paging::All, members: false, hidden: false })));

    let message = direct(3, 2, content("Image", "/file/down/123123.png"));
    let group = in_group(3, content("Text", "Hi"));
    let row = |conversation, last| ConversationRow {
        conversation,
        members: Vec::new(),
        chat: ChatId::new(2),
        created: Timestamp::from_millis(1_722_490_190_000),
        updated: NOON,
        unread: 2,
        last,
    };
    let mut in_crew = row(conversation_of(&group), None);
    if let Some(conversation) = std::sync::Arc::get_mut(&mut in_crew.conversation) {
        conversation.id = koine_core::ConversationId::new(12);
    }
    let rows = vec![row(conversation_of(&message), Some(entry(message, false, true))), in_crew];
    let shown = body(answered("/user/chat/list", Reply::Conversations { total: 2, rows: rows.into() }));
    assert_eq!(
        shown,
        json!([
            {"top": false, "lastMsgId": {"msgType": "Image", "id": 1_268_242_042_090_295_296_u64,
                "content": "/file/down/123123.png", "timestamp": 1_722_492_806_373_u64},
             "createTime": "2024-08-01 05:29:50", "fromUserId": 2, "teamId": null, "updateTime": "2024-08-01 06:13:26",
             "id": 2, "unReadCount": 2, "toUserId": 3, "chatType": "Single"},
            {"top": false, "lastMsgId": null, "createTime": "2024-08-01 05:29:50", "fromUserId": 2, "teamId": 12,
             "updateTime": "2024-08-01 06:13:26", "id": 2, "unReadCount": 2, "toUserId": null, "chatType": "Group"},
        ])
    );
}

#[test]
fn who_asks_is_named_by_the_user_id() {
    for path in ["/message/offline", "/user/chat/list", "/message/user/get/page"] {
        assert_eq!(claim(path, r#"{"userId":3}"#), Ok(Claim::User(id(3))));
        assert_eq!(claim(path, r#"{"userId":"3"}"#), Ok(Claim::User(id(3))));
        for bad in ["{}", r#"{"userId":"tom"}"#, r#"{"userId":0}"#, r#"{"userId":null}"#] {
            assert_eq!(claim(path, bad), Err(ErrorKind::BadRequest), "{path} {bad}");
        }
    }
    assert_eq!(claim("/message/user/get/page", r#"{"fromUserId":4,"toUserId":3}"#), Ok(Claim::User(id(4))));
}

#[test]
fn a_token_may_lie_in_three_places() {
    let found = |request: &HttpRequest| token(request).map(|token| token.expose().to_owned());
    let with = |name: &'static str, value: &'static str| {
        let mut request = post("{}");
        request.headers.insert(name, HeaderValue::from_static(value));
        request
    };
    assert_eq!(found(&with("authorization", "Bearer a")).as_deref(), Some("a"));
    assert_eq!(found(&with("authorization", "a")).as_deref(), Some("a"));
    assert_eq!(found(&with("token", " a ")).as_deref(), Some("a"));
    assert_eq!(found(&post(r#"{"token":"a"}"#)).as_deref(), Some("a"));
    for nothing in ["{}", r#"{"token":""}"#, r#"{"token":[]}"#, "[]"] {
        assert_eq!(found(&post(nothing)), None);
    }
}

#[test]
fn a_body_that_cannot_be_read_is_400_everywhere() {
    let zone = Zone::utc();
    let context = Context { user: None, now: NOON, zone: &zone };
    for endpoint in AuthAck::default().endpoints() {
        let request = HttpRequest { payload: Payload::Unreadable("not JSON"), ..post("{}") };
        let error = endpoint.request(&context, &request).expect_err("unreadable");
        assert_eq!((error.kind(), error.message()), (ErrorKind::BadRequest, "not JSON"));
    }
}
