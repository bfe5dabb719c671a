//! The transitions of the connection.

use koine_core::{EndReason, Error, ErrorKind, Input, Reply};
use koine_envelope::Options;
use serde_json::{Value, json};

use crate::support::{Done, Table, authenticated, login_result, one_frame, sent};

const LOGIN: &str = r#"{"url": "/chat/login", "params": {"token": "t"}}"#;
const SEND: &str = r#"{"url": "/chat/sendMessage", "params": {"token": "t", "uniqueNo": "n1", "messageContent": "hi", "receiveUserId": "jack"}}"#;

fn illegal() -> Value {
    json!({"code": 400, "msg": "非法访问！"})
}

#[test]
fn a_login_is_authenticated_then_attached_then_told() {
    let mut table = Table::new(Options::default());
    let done = table.frame(LOGIN);
    assert!(matches!(done.as_slice(), [Done::Authenticate(tag, token)] if tag.0 == 1 && token == "t"), "{done:?}");
    let done = table.reply(1, Ok(authenticated()));
    assert!(matches!(done.as_slice(), [Done::Attach(tag)] if tag.0 == 2), "{done:?}");
    assert_eq!(one_frame(table.reply(2, Ok(Reply::Attached))), login_result("200", "登录成功"));
}

#[test]
fn a_login_with_a_bad_token_is_told_and_may_be_tried_again() {
    let mut table = Table::new(Options::default());
    table.frame(LOGIN);
    let told = one_frame(table.reply(1, Err(ErrorKind::Unauthenticated.into())));
    assert_eq!(told, login_result("400", "token无效！"));
    assert_eq!(table.answer(SEND), illegal());
    assert!(matches!(table.frame(LOGIN).as_slice(), [Done::Authenticate(..)]));
}

#[test]
fn a_login_without_a_token_fails() {
    let mut table = Table::new(Options::default());
    for params in ["{}", r#"{"token": ""}"#, r#"{"token": null}"#, r#"{"token": ["t"]}"#, "null"] {
        let frame = format!(r#"{{"url": "/chat/login", "params": {params}}}"#);
        assert_eq!(table.answer(&frame), login_result("400", "token无效！"), "{params}");
    }
    assert_eq!(table.answer(r#"{"url": "chat/login"}"#), login_result("400", "token无效！"));
}

#[test]
fn a_login_that_cannot_be_attached_fails_and_binds_nobody() {
    let mut table = Table::new(Options::default());
    table.frame(LOGIN);
    table.reply(1, Ok(authenticated()));
    let told = one_frame(table.reply(2, Err(ErrorKind::Unavailable.into())));
    assert_eq!(told, login_result("400", "服务暂不可用，请稍后再试！"));
    assert_eq!(table.answer(SEND), illegal());
}

#[test]
fn a_reply_of_the_wrong_kind_is_a_failed_login() {
    let mut table = Table::new(Options::default());
    table.frame(LOGIN);
    assert_eq!(one_frame(table.reply(1, Ok(Reply::Done))), login_result("400", "服务器内部错误！"));
}

#[test]
fn any_request_before_login_is_illegal() {
    let mut table = Table::new(Options::default());
    assert_eq!(table.answer(SEND), illegal());
    assert_eq!(table.answer(r#"{"url": "/chat/nothing", "params": {}}"#), illegal());
}

#[test]
fn slashes_around_the_url_do_not_matter() {
    for url in ["chat/login", "/chat/login/", "chat/login/", "//chat/login"] {
        let mut table = Table::new(Options::default());
        let done = table.frame(&json!({"url": url, "params": {"token": "t"}}).to_string());
        assert!(matches!(done.as_slice(), [Done::Authenticate(..)]), "{url}: {done:?}");
    }
}

#[test]
fn an_unknown_url_after_login_is_404() {
    let mut table = Table::logged_in(Options::default());
    let expected = json!({"code": 404, "msg": "无此方法！"});
    assert_eq!(table.answer(r#"{"url": "/chat/nothing", "params": {"token": "t"}}"#), expected);
    assert_eq!(table.answer(r#"{"url": "/chat/LOGIN"}"#), expected);
    assert_eq!(table.answer(r#"{"url": "/"}"#), expected);
}

#[test]
fn a_frame_that_is_no_request_is_told_why_in_every_state() {
    for mut table in [Table::new(Options::default()), Table::logged_in(Options::default())] {
        for frame in ["", "hello", "[]", "3", "{\"url\":", r#"{"url": "a"} x"#] {
            let expected = json!({"code": 400, "msg": "the frame is not a JSON object"});
            assert_eq!(table.answer(frame), expected, "{frame}");
        }
        assert_eq!(table.answer("{}"), json!({"code": 400, "msg": "url is missing"}));
        assert_eq!(table.answer(r#"{"url": {}}"#), json!({"code": 400, "msg": "url is not a string"}));
        let no_object = json!({"code": 400, "msg": "params is not an object"});
        assert_eq!(table.answer(r#"{"url": "/chat/login", "params": [1]}"#), no_object);
    }
}

#[test]
fn what_arrives_during_a_login_waits_and_is_served_in_order_under_it() {
    let mut table = Table::new(Options::default());
    table.frame(LOGIN);
    assert!(table.frame(SEND).is_empty());
    table.reply(1, Ok(authenticated()));
    assert!(table.frame("broken").is_empty());
    assert!(table.frame(SEND).is_empty());
    let done = table.reply(2, Ok(Reply::Attached));
    let expected = login_result("200", "登录成功");
    assert!(
        matches!(done.as_slice(), [Done::Frame(told), Done::Send(first, ..), Done::Frame(_), Done::Send(second, ..)]
            if *told == expected && first < second),
        "{done:?}"
    );
}

#[test]
fn what_waited_for_a_failed_login_is_illegal() {
    let mut table = Table::new(Options::default());
    table.frame(LOGIN);
    table.frame(SEND);
    let done = table.reply(1, Err(ErrorKind::Unauthenticated.into()));
    assert!(matches!(done.as_slice(), [Done::Frame(_), Done::Frame(told)] if *told == illegal()), "{done:?}");
}

#[test]
fn a_login_that_waited_for_a_login_is_served_before_what_came_after_it() {
    let mut table = Table::new(Options::default());
    table.frame(LOGIN);
    table.frame(LOGIN);
    table.frame(SEND);
    let done = table.reply(1, Err(ErrorKind::Unauthenticated.into()));
    assert!(matches!(done.as_slice(), [Done::Frame(_), Done::Authenticate(tag, _)] if tag.0 == 2), "{done:?}");
    table.reply(2, Ok(authenticated()));
    let done = table.reply(3, Ok(Reply::Attached));
    assert!(matches!(done.as_slice(), [Done::Frame(_), Done::Send(..)]), "{done:?}");
}

#[test]
fn what_waits_for_a_login_is_bounded() {
    let mut table = Table::new(Options::default());
    table.frame(LOGIN);
    for _ in 0..256 {
        assert!(table.frame(SEND).is_empty());
    }
    let refused = json!({"code": 400, "msg": "发送消息失败", "obj": {"uniqueNo": "n1", "reason": "rate-limited"}});
    assert_eq!(table.answer(SEND), refused);
    table.reply(1, Ok(authenticated()));
    assert_eq!(table.reply(2, Ok(Reply::Attached)).len(), 257);
}

#[test]
fn a_second_login_binds_the_connection_anew() {
    let mut table = Table::logged_in(Options::default());
    let done = table.frame(r#"{"url": "/chat/login", "params": {"token": "other"}}"#);
    assert!(matches!(done.as_slice(), [Done::Authenticate(_, token)] if token == "other"), "{done:?}");
    assert!(matches!(table.reply(3, Ok(authenticated())).as_slice(), [Done::Attach(_)]));
    assert_eq!(one_frame(table.reply(4, Ok(Reply::Attached))), login_result("200", "登录成功"));
}

#[test]
fn a_second_login_that_fails_leaves_the_first() {
    let mut table = Table::logged_in(Options::default());
    table.frame(LOGIN);
    assert_eq!(one_frame(table.reply(3, Err(ErrorKind::Unauthenticated.into()))), login_result("400", "token无效！"));
    assert!(matches!(table.frame(SEND).as_slice(), [Done::Send(..)]));
}

#[test]
fn answers_name_the_send_they_answer_in_any_order() {
    let mut table = Table::logged_in(Options::default());
    table.frame(SEND);
    table.frame(
        r#"{"url": "/chat/sendGroupMessage", "params": {"token": "t", "uniqueNo": 7, "messageContent": "hi", "groupId": "5"}}"#,
    );
    let told = one_frame(table.reply(4, Ok(sent())));
    assert_eq!(told, json!({"code": 200, "msg": "发送群组消息成功", "obj": {"uniqueNo": "7"}}));
    let told = one_frame(table.reply(3, Ok(sent())));
    assert_eq!(told, json!({"code": 200, "msg": "发送消息成功", "obj": {"uniqueNo": "n1"}}));
    assert!(table.reply(3, Ok(sent())).is_empty(), "each is answered once");
}

#[test]
fn a_send_is_answered_during_a_login() {
    let mut table = Table::logged_in(Options::default());
    table.frame(SEND);
    table.frame(LOGIN);
    let told = one_frame(table.reply(3, Ok(sent())));
    assert_eq!(told, json!({"code": 200, "msg": "发送消息成功", "obj": {"uniqueNo": "n1"}}));
}

#[test]
fn a_refused_frame_is_answered_in_the_form_of_its_request() {
    let mut table = Table::logged_in(Options::default());
    let mut refuse = |frame, kind: ErrorKind| one_frame(table.input(Input::Refused(frame, kind.into())));
    let expected = json!({"code": 400, "msg": "发送消息失败", "obj": {"uniqueNo": "n1", "reason": "rate-limited"}});
    assert_eq!(refuse(Some(SEND), ErrorKind::RateLimited), expected);
    assert_eq!(refuse(Some(LOGIN), ErrorKind::RateLimited), login_result("400", "请求过于频繁！"));
    assert_eq!(refuse(None, ErrorKind::TooLarge), json!({"code": 400, "msg": "消息过长！"}));
    assert_eq!(refuse(Some("?"), ErrorKind::RateLimited), json!({"code": 400, "msg": "请求过于频繁！"}));
    let binary = Input::Refused(None, Error::bad_request("binary frames are not served"));
    assert_eq!(one_frame(table.input(binary)), json!({"code": 400, "msg": "binary frames are not served"}));
    assert!(matches!(table.frame(SEND).as_slice(), [Done::Send(..)]), "the connection goes on");
}

#[test]
fn the_end_has_its_close_code() {
    let end = |reason| Table::logged_in(Options::default()).input(Input::Ended(reason));
    assert!(matches!(end(EndReason::Draining).as_slice(), [Done::Close(1001)]));
    assert!(matches!(end(EndReason::Kicked).as_slice(), [Done::Close(1008)]));
}
