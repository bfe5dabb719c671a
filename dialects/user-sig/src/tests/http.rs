use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderValue};
use koine_core::{
    Access, Call, ChatKey, Command, Content, Context, EndpointKind, Error, ErrorKind, Existing, File, FileId,
    IssuedToken, MessageList, Opened, Paging, Payload, ProfileField, Purpose, Receipt, Reply, Token, UserKey, UserRef,
    Zone,
};
use serde_json::{Value, json};

use super::sample::{NOON, NOON_TEXT, body, direct, endpoint, entry, group, jack, message, pairs, request, row, tom};
use crate::wire::{ChatLogPage, ReplyBody, SessionPage};

const CREATE_USER: &str = "/chat/create-chat-user/";
const USER_INFO: &str = "/chat/chat-user-info/";
const USER_SIG: &str = "/chat/get-user-sig/";
const CHANGE_USER: &str = "/chat/change-chat-user-info/";
const CREATE_SESSION: &str = "/chat/create-session/";
const SESSIONS: &str = "/chat/session-info/";
const LOGS: &str = "/chat/chat-log-info/";
const MARK: &str = "/chat/single-chat-mark-as-read/";
const UPLOAD: &str = "/file/upload-chat-file/";

fn as_tom<T>(work: impl FnOnce(&Context<'_>) -> T) -> T {
    with_user(Some(&tom().to_ref()), work)
}

fn with_user<T>(user: Option<&UserRef>, work: impl FnOnce(&Context<'_>) -> T) -> T {
    work(&Context { user, now: NOON, zone: &Zone::utc() })
}

fn posted(path: &str, form: &[(&str, &str)]) -> Result<Call, Error> {
    as_tom(|context| endpoint(path).request(context, &request(&[], Payload::Form(pairs(form)))))
}

fn json_posted(path: &str, json: Value) -> Result<Call, Error> {
    as_tom(|context| endpoint(path).request(context, &request(&[], Payload::Json(json))))
}

fn got(path: &str, query: &[(&str, &str)]) -> Result<Call, Error> {
    as_tom(|context| endpoint(path).request(context, &request(query, Payload::Empty)))
}

fn answered(path: &str, reply: Reply) -> Value {
    as_tom(|context| {
        body(endpoint(path).response(context, &koine_core::HttpRequest::new(http::Method::GET), Ok(reply)))
    })
}

fn fault(result: Result<Call, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_user_sig_comes_bare_or_as_a_bearer_token() {
    for path in [CHANGE_USER, CREATE_SESSION, SESSIONS, LOGS, MARK, UPLOAD] {
        let Access::Token { find, purpose: Purpose::UserSig } = endpoint(path).access() else { panic!("{path}") };
        for (value, token) in [("abc", Some("abc")), ("Bearer abc", Some("abc")), ("Basic abc", None), ("", None)] {
            let mut request = request(&[], Payload::Empty);
            request.headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(find(&request).as_ref().map(Token::expose), token, "{path} {value:?}");
        }
    }
    for path in [CREATE_USER, USER_SIG] {
        assert!(matches!(endpoint(path).access(), Access::Open), "{path}");
    }
    assert!(matches!(endpoint(USER_INFO).access(), Access::Optional { purpose: Purpose::UserSig, .. }));
}

#[test]
fn a_user_is_registered_with_what_the_form_says() {
    let call = posted(CREATE_USER, &[("user_id", "ann"), ("birthday", "2000-02-29"), ("nickname", "Ann")]).unwrap();
    let Command::Register(register) = call.command else { panic!() };
    assert_eq!(register.handle.as_str(), "ann");
    assert_eq!(register.profile.birthday.as_deref(), Some("2000-02-29"));
    assert_eq!(register.profile.nickname.as_deref(), Some("Ann"));
    assert_eq!(register.profile.phone, None);
    assert_eq!((register.app, register.existing), (None, Existing::Refuse));
    let Command::Register(register) = json_posted(CREATE_USER, json!({"user_id": 42})).unwrap().command else {
        panic!()
    };
    assert_eq!(register.handle.as_str(), "42");
}

#[test]
fn a_user_without_id_or_with_a_birthday_that_is_no_date_is_refused() {
    for form in [
        &[][..],
        &[("user_id", "")],
        &[("user_id", "a\u{1}")],
        &[("user_id", "ann"), ("birthday", "01/02/2000")],
        &[("user_id", "ann"), ("birthday", "2001-02-29")],
    ] {
        assert_eq!(fault(posted(CREATE_USER, form)), ErrorKind::BadRequest, "{form:?}");
    }
    assert_eq!(fault(json_posted(CREATE_USER, json!({"user_id": ["ann"]}))), ErrorKind::BadRequest);
    assert_eq!(fault(json_posted(CREATE_USER, json!("ann"))), ErrorKind::BadRequest);
}

#[test]
fn a_new_user_is_shown_whole() {
    let reply = answered(CREATE_USER, Reply::Registered { user: jack(), new: true });
    assert_eq!(reply["code"], 200);
    let user = json!({"user_id": "jack", "name": null, "nickname": "nick", "username": null, "gender": null,
        "birthday": "1990-01-31", "id_card_num": "4401", "phone": "139", "email": "a@b", "province": null,
        "city": null, "avatar": null, "description": null, "is_disable": false, "login_time": null,
        "create_time": NOON_TEXT});
    assert_eq!(reply["data"], json!({"chat_user": user}));
}

#[test]
fn private_fields_are_shown_to_their_user_only() {
    let Command::FindUser(UserKey::Handle(user)) = got(USER_INFO, &[("user_id", "jack")]).unwrap().command else {
        panic!()
    };
    assert_eq!(user.as_str(), "jack");
    let phone = |caller: Option<&UserRef>| {
        let reply = with_user(caller, |context| {
            body(endpoint(USER_INFO).response(
                context,
                &koine_core::HttpRequest::new(http::Method::GET),
                Ok(Reply::User(jack())),
            ))
        });
        reply["data"]["chat_user"]["phone"].clone()
    };
    assert_eq!(phone(None), Value::Null);
    assert_eq!(phone(Some(&tom().to_ref())), Value::Null);
    assert_eq!(phone(Some(&jack().to_ref())), "139");
    assert_eq!(fault(got(USER_INFO, &[])), ErrorKind::BadRequest);
    assert_eq!(fault(got(USER_INFO, &[("user_id", &"x".repeat(129))])), ErrorKind::UserNotFound);
}

#[test]
fn a_rule_key_is_exchanged_for_a_sig_and_nobody_learns_who_exists() {
    let call = posted(USER_SIG, &[("user_id", "tom"), ("token", "key")]).unwrap();
    let Command::ExchangeKey { user, key } = call.command else { panic!() };
    assert_eq!((user.as_str(), key.expose()), ("tom", "key"));
    let token = IssuedToken { token: Token::new("sig"), expires: NOON };
    assert_eq!(answered(USER_SIG, Reply::Token(token))["data"], json!({"user_sig": "sig"}));
    assert_eq!(fault(posted(USER_SIG, &[("user_id", "tom")])), ErrorKind::BadRequest);
    assert_eq!(fault(posted(USER_SIG, &[("user_id", "a\u{1}"), ("token", "key")])), ErrorKind::Unauthenticated);
    let refused = |kind: ErrorKind| {
        as_tom(|context| {
            body(endpoint(USER_SIG).response(
                context,
                &koine_core::HttpRequest::new(http::Method::GET),
                Err(kind.into()),
            ))
        })
    };
    assert_eq!(refused(ErrorKind::UserNotFound), refused(ErrorKind::Unauthenticated));
}

#[test]
fn a_change_is_of_the_caller_and_of_what_is_carried() {
    let Command::UpdateUser(patch) = posted(CHANGE_USER, &[("user_id", "jack"), ("city", "广州")]).unwrap().command
    else {
        panic!()
    };
    assert_eq!(patch.changes, [(ProfileField::City, Some(Arc::from("广州")))]);
    assert_eq!(fault(posted(CHANGE_USER, &[("birthday", "soon")])), ErrorKind::BadRequest);
    assert_eq!(answered(CHANGE_USER, Reply::User(tom()))["data"]["chat_user"]["phone"], "139");
}

fn opens(call: Result<Call, Error>) -> (String, String) {
    match call.unwrap().command {
        Command::OpenDirect { with: UserKey::Handle(with), name: Some(name) } => (with.to_string(), name.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_of_two_is_opened_with_whoever_is_not_the_caller() {
    let expected = ("jack".to_owned(), "us".to_owned());
    let base = [("name", "us"), ("type", "1")];
    for list in [
        &[("chat_user_id_list", r#"["tom", "jack"]"#)][..],
        &[("chat_user_id_list", "jack"), ("chat_user_id_list", "tom")],
        &[("chat_user_id_list[]", "jack"), ("chat_user_id_list[]", "tom"), ("chat_user_id_list[]", "jack")],
    ] {
        assert_eq!(opens(posted(CREATE_SESSION, &[&base[..], list].concat())), expected, "{list:?}");
    }
    for kind in [json!(1), json!("1")] {
        let body = json!({"name": "us", "type": kind, "chat_user_id_list": ["tom", "jack"]});
        assert_eq!(opens(json_posted(CREATE_SESSION, body)), expected);
    }
    let notes = json!({"name": "me", "type": 1, "chat_user_id_list": ["tom", "tom"]});
    assert_eq!(opens(json_posted(CREATE_SESSION, notes)).0, "tom");
}

#[test]
fn a_group_is_made_with_the_others_as_members() {
    let members =
        |list: Value| match json_posted(CREATE_SESSION, json!({"name": "g", "type": 2, "chat_user_id_list": list}))
            .unwrap()
            .command
        {
            Command::CreateGroup { name, members } if &*name == "g" => members,
            other => panic!("{other:?}"),
        };
    let key = |text: &str| UserKey::Handle(super::sample::handle(text));
    assert_eq!(members(json!(["jack", "tom", 7, "jack"])), [key("jack"), key("7")]);
    assert_eq!(members(json!("[\"tom\"]")), []);
}

#[test]
fn a_session_that_makes_no_sense_is_refused() {
    for (body, kind) in [
        (json!({}), ErrorKind::BadRequest),
        (json!({"name": "", "type": 1, "chat_user_id_list": ["tom", "jack"]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 3, "chat_user_id_list": ["tom", "jack"]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": "one", "chat_user_id_list": ["tom", "jack"]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 1}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 1, "chat_user_id_list": []}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 1, "chat_user_id_list": {}}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 1, "chat_user_id_list": ["tom", true]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 1, "chat_user_id_list": ["tom"]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 1, "chat_user_id_list": ["jack", "ann"]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 1, "chat_user_id_list": ["tom", "jack", "ann"]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 2, "chat_user_id_list": ["jack"]}), ErrorKind::BadRequest),
        (json!({"name": "n", "type": 2, "chat_user_id_list": ["tom", "\u{1}"]}), ErrorKind::UserNotFound),
    ] {
        assert_eq!(fault(json_posted(CREATE_SESSION, body.clone())), kind, "{body}");
    }
}

#[test]
fn an_opened_session_is_shown_and_an_old_one_is_said_to_exist() {
    let opened = |new| Reply::Opened(Opened { row: row(group(9), vec![tom(), jack()], None), new });
    let reply = answered(CREATE_SESSION, opened(true));
    assert_eq!((&reply["code"], &reply["message"]), (&json!(200), &json!("成功")));
    let session = &reply["data"]["session"];
    assert_eq!(session["session_info"]["chat_user_list"][0]["phone"], "139");
    assert_eq!(session["session_info"]["chat_user_list"][1]["phone"], Value::Null);
    assert_eq!(session["unread_count"], 4);
    assert_eq!(answered(CREATE_SESSION, opened(false))["message"], "已存在");
}

#[test]
fn sessions_are_listed_with_their_last_message_and_members() {
    let Command::Conversations { paging, members: true, hidden: true } =
        got(SESSIONS, &[("page_num", "2"), ("page_size", "3")]).unwrap().command
    else {
        panic!()
    };
    assert_eq!(paging, Paging::Page { number: 2, size: 3 });
    let us = direct(12, None, [tom(), jack()]);
    let last = entry(message(&us, &jack().to_ref(), Content::text("hi")));
    let rows = vec![row(us, Vec::new(), Some(last)), row(group(9), vec![tom()], None)];
    let reply = answered(SESSIONS, Reply::Conversations { total: 11, rows: rows.into() });
    let page: ReplyBody<'_, SessionPage<'_>> = serde_json::from_value(reply.clone()).unwrap();
    assert_eq!((page.code, page.data.num_of_sessions, page.data.num_of_pages), (200, 11, 2));
    assert_eq!(page.data.session_info_list[0].recently_chat_log.as_ref().unwrap().content.get(), r#""hi""#);
    let shown = &reply["data"]["session_info_list"];
    assert_eq!(shown[0]["session_info"]["user_id"], "jack");
    assert_eq!(shown[1]["session_info"]["chat_user_list"][0]["user_id"], "tom");
    assert_eq!(fault(got(SESSIONS, &[("page_num", "0")])), ErrorKind::BadRequest);
}

#[test]
fn a_page_of_messages_is_confirmed_once_it_is_handed_over() {
    let call = got(LOGS, &[("session_id", "12"), ("total", "")]).unwrap();
    let Command::History { conversation, paging: Paging::All } = call.command else { panic!() };
    assert_eq!(conversation.get(), 12);
    let us = direct(12, None, [tom(), jack()]);
    let mut read = entry(message(&us, &tom().to_ref(), Content::text("hi")));
    (read.read_by_others, read.read_time) = (true, Some(NOON));
    let receipt = Receipt { ranges: vec![(us.id, 1, 1)] };
    let list = |receipt: &Receipt| {
        let rows = vec![read.clone()].into();
        Reply::Messages(MessageList { total: 1, rows, receipt: receipt.clone() })
    };
    let after = call.after.unwrap();
    assert!(matches!(after(&list(&receipt)), Some(Command::Confirm(said)) if said == receipt));
    assert!(after(&list(&Receipt::default())).is_none());
    let reply = answered(LOGS, list(&receipt));
    let log = json!({"id": 77, "have_read": true, "read_time": NOON_TEXT, "content": "hi", "sender": "tom",
        "create_time": NOON_TEXT, "create_timestamp": NOON.as_millis()});
    let data = json!({"num_of_chat_logs": 1, "num_of_pages": 1, "chat_log_info_list": [log]});
    assert_eq!(reply, json!({"code": 200, "message": "成功", "data": data}));
    serde_json::from_value::<ReplyBody<'_, ChatLogPage<'_>>>(reply).unwrap();
}

#[test]
fn a_session_that_is_no_number_is_not_found_and_none_at_all_is_refused() {
    for (value, kind) in [("abc", ErrorKind::ConversationNotFound), ("", ErrorKind::BadRequest)] {
        assert_eq!(fault(got(LOGS, &[("session_id", value)])), kind);
        assert_eq!(fault(posted(MARK, &[("session_id", value)])), kind);
    }
    assert_eq!(fault(got(LOGS, &[])), ErrorKind::BadRequest);
    assert_eq!(fault(got(LOGS, &[("session_id", "1"), ("page_size", "0")])), ErrorKind::BadRequest);
}

#[test]
fn marking_says_how_many_became_read() {
    for call in [posted(MARK, &[("session_id", "12")]), json_posted(MARK, json!({"session_id": 12}))] {
        let Command::MarkRead(ChatKey::Conversation(id)) = call.unwrap().command else { panic!() };
        assert_eq!(id.get(), 12);
    }
    assert_eq!(answered(MARK, Reply::Marked(3))["data"], json!({"marked_count": 3}));
    let gone = as_tom(|context| {
        body(endpoint(MARK).response(
            context,
            &koine_core::HttpRequest::new(http::Method::GET),
            Err(ErrorKind::UserNotFound.into()),
        ))
    });
    assert_eq!((&gone["code"], &gone["message"]), (&json!(404), &json!("未取到当前用户")));
}

#[test]
fn an_uploaded_file_is_shown_and_one_that_is_too_large_is_refused() {
    assert_eq!(endpoint(UPLOAD).kind(), EndpointKind::Upload { field: "file" });
    let file = File {
        id: FileId::new(0xAB),
        md5: "m".into(),
        sha256: "s".into(),
        name: "a.png".into(),
        size: 9,
        media_type: "image/png".into(),
        created: NOON,
        owner: tom().to_ref(),
        url: "/file/down/ab".into(),
    };
    let shown = json!({"id": "000000000000000000000000000000ab", "md5": "m", "create_time": NOON_TEXT,
        "url": "/file/down/ab", "name": "a.png", "size": 9});
    assert_eq!(answered(UPLOAD, Reply::File(Arc::new(file)))["data"], json!({"chat_file": shown}));
    let refused = |kind: ErrorKind| {
        as_tom(|context| {
            body(endpoint(UPLOAD).response(context, &koine_core::HttpRequest::new(http::Method::GET), Err(kind.into())))
        })
    };
    let large = refused(ErrorKind::TooLarge);
    assert_eq!((&large["code"], &large["message"]), (&json!(400), &json!("文件大小超限")));
    assert_eq!(refused(ErrorKind::FileNotFound)["code"], 400);
}

#[test]
fn a_reply_of_the_wrong_kind_is_a_fault_of_the_servers_own() {
    for endpoint in koine_core::Dialect::endpoints(&super::sample::dialect()) {
        let reply = as_tom(|context| {
            body(endpoint.response(context, &koine_core::HttpRequest::new(http::Method::GET), Ok(Reply::Attached)))
        });
        assert_eq!(reply["code"], 500, "{}", endpoint.path());
    }
}
