//! What each dialect's client sends, and what it makes of what it hears.

use serde_json::{Value, json};

use super::talk::{Heard, Line};
use super::*;

fn chat(dialect: DialectName, peer: Option<&str>, group: Option<&str>) -> Box<dyn Talk> {
    let chat = Chat {
        dialect,
        user: "tom".to_owned(),
        peer: peer.map(str::to_owned),
        group: group.map(str::to_owned),
        url: String::new(),
        http: None,
        token: None,
        frames: false,
        ca: None,
    };
    chat.talk(HttpClient::new(Server::of("127.0.0.1:1", None).unwrap())).unwrap()
}

async fn say(talk: &mut dyn Talk, text: &str) -> Value {
    serde_json::from_str(&talk.say(text).await.unwrap()).unwrap()
}

fn hear(talk: &mut dyn Talk, frame: &Value) -> Heard {
    talk.hear(&frame.to_string()).unwrap()
}

#[tokio::test]
async fn status_code_faces_one_user() {
    let mut talk = chat(DialectName::StatusCode, Some("jack/é"), None);
    assert_eq!(talk.path(), "/v1/chat/jack%2F%C3%A9?token=demo-tom");
    assert_eq!(say(talk.as_mut(), "Hello").await, json!({ "msg": "Hello" }));
    let message = json!({ "status": 30001, "msg": "OK", "body": {
        "msg": "Hi", "from_user": "jack", "send_time": "2019-01-02 11:23:41" } });
    assert_eq!(hear(talk.as_mut(), &message), Heard::said("jack", "Hi".to_owned()));
    let refused = json!({ "status": 30002, "msg": "Token authentication failed", "body": {} });
    assert_eq!(hear(talk.as_mut(), &refused), Heard::refused("Token authentication failed"));
    let login = json!({ "status": 30098, "msg": "Target user jack login", "body": {} });
    assert_eq!(hear(talk.as_mut(), &login), Heard::notice("Target user jack login"));
}

#[tokio::test]
async fn access_token_sends_to_users_and_groups() {
    let mut talk = chat(DialectName::AccessToken, Some("jack"), None);
    assert_eq!(talk.path(), "/ws?access_token=demo-tom");
    let sent = say(talk.as_mut(), "Hello").await;
    assert_eq!(sent, json!({ "type": "unicast", "receiverId": "jack", "content": "Hello" }));
    let mut group = chat(DialectName::AccessToken, None, Some("5"));
    let sent = say(group.as_mut(), "Hello").await;
    assert_eq!(sent, json!({ "type": "multicast", "groupId": "5", "content": "Hello" }));
    let message =
        json!({ "type": "unicast", "senderId": "jack", "receiverId": "tom", "content": {"a": 1}, "timestamp": 5 });
    assert_eq!(hear(talk.as_mut(), &message), Heard::said("jack", "{\"a\":1}".to_owned()));
    let error = json!({ "type": "ERROR", "code": 404, "content": "no such user" });
    assert_eq!(hear(talk.as_mut(), &error), Heard::problem("404: no such user"));
}

#[tokio::test]
async fn envelope_logs_in_first_and_waits_for_its_answers() {
    let mut talk = chat(DialectName::Envelope, Some("jack"), None);
    let login: Value = serde_json::from_str(&talk.opening().unwrap().pop().unwrap()).unwrap();
    assert_eq!(login, json!({ "url": "/chat/login", "params": { "token": "demo-tom" } }));
    assert!(!talk.ready());
    hear(talk.as_mut(), &json!({ "msgType": "8", "data": { "code": "200", "msg": "登录成功" } }));
    assert!(talk.ready());

    let sent = say(talk.as_mut(), "Hello").await;
    assert_eq!(sent["url"], "/chat/sendMessage");
    assert_eq!(
        (&sent["params"]["messageContent"], &sent["params"]["receiveUserId"]),
        (&json!("Hello"), &json!("jack"))
    );
    let second = say(talk.as_mut(), "again").await;
    assert_ne!(sent["params"]["uniqueNo"], second["params"]["uniqueNo"]);
    assert_eq!(talk.unanswered(), 2);
    let answer = |code: u16, sent: &Value| json!({ "code": code, "msg": "发送消息", "obj": { "uniqueNo": sent["params"]["uniqueNo"] } });
    assert_eq!(hear(talk.as_mut(), &answer(200, &second)), Heard::nothing());
    assert_eq!(hear(talk.as_mut(), &answer(400, &sent)), Heard::problem("发送消息"));
    assert_eq!(talk.unanswered(), 0);

    let push = json!({ "msgType": "1", "data": {
        "sendUserId": "jack", "receiveUserId": "tom", "messageContent": "Hi", "receiveDate": 5 } });
    assert_eq!(hear(talk.as_mut(), &push), Heard::said("jack", "Hi".to_owned()));
    let failed = json!({ "msgType": "8", "data": { "code": "400", "msg": "bad token" } });
    assert_eq!(hear(talk.as_mut(), &failed), Heard::refused("bad token"));
}

#[tokio::test]
async fn auth_ack_acknowledges_what_it_hears() {
    let mut talk = chat(DialectName::AuthAck, None, None);
    let message = json!({ "id": 1_268_242_042_090_295_296_u64, "fromUserId": 2, "toUserId": 3, "chatType": "Single",
        "msgType": "Text", "content": "Hi", "timestamp": 5 });
    let heard = hear(talk.as_mut(), &message);
    assert_eq!(heard.lines, [Line::Said { who: "2".to_owned(), text: "Hi".to_owned() }]);
    let ack: Value = serde_json::from_str(&heard.replies[0]).unwrap();
    assert_eq!(ack["msgType"], "Ack");
    assert_eq!(ack["content"], "{\"srcId\":1268242042090295296}");
    let error = json!({ "msgType": "Error", "chatType": "Single", "content": "bad token", "code": 401 });
    assert_eq!(hear(talk.as_mut(), &error), Heard::refused("401: bad token"));
}

#[tokio::test]
async fn user_sig_waits_until_it_may_talk() {
    let mut talk = chat(DialectName::UserSig, None, None);
    assert!(!talk.ready());
    hear(talk.as_mut(), &json!({ "type": "SDK_READY", "device_id": "abcd1234" }));
    assert!(talk.ready());
    let error = json!({ "type": "ERROR", "code": 404, "message": "no such session" });
    assert_eq!(hear(talk.as_mut(), &error), Heard::problem("404: no such session"));
}

#[tokio::test]
async fn whoever_has_nobody_to_write_to_is_told_how_to_name_somebody() {
    for dialect in [DialectName::UserSig, DialectName::AccessToken, DialectName::Envelope, DialectName::AuthAck] {
        let error = chat(dialect, None, None).say("Hello").await.unwrap_err().to_string();
        assert!(error.contains("--with") && error.contains("--group"), "{dialect}: {error}");
    }
}

#[test]
fn what_is_no_frame_of_the_dialect_is_not_understood() {
    for dialect in DialectName::ALL {
        let mut talk = chat(dialect, Some("jack"), None);
        assert!(talk.hear("{").is_err() && talk.hear("[]").is_err(), "{dialect}");
    }
}
