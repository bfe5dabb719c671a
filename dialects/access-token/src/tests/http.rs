//! The group endpoints: which command a request is, and what is answered.

use ::http::{Method, StatusCode};
use koine_core::{
    ChatId, ConversationRow, ErrorKind, GroupRef, HttpRequest, Opened, Payload, Reply, Request, RequestId, RequestKind,
    RequestState, Timestamp,
};
use serde_json::{Value, json};

use super::{call, command, conversation, full_user, group, json as parse, pairs, request, respond, user};

const GROUPS: &str = "/api/group";
const GROUP: &str = "/api/group/{groupId}";
const REQUESTS: &str = "/api/request";
const REQUEST: &str = "/api/request/{requestId}";

fn at_group(method: Method, id: &str) -> HttpRequest {
    HttpRequest { path: pairs(&[("groupId", id)]), ..request(method, &[]) }
}

fn with_json(request: HttpRequest, body: Value) -> HttpRequest {
    HttpRequest { payload: Payload::Json(body), ..request }
}

fn kind(path: &str, request: &HttpRequest) -> ErrorKind {
    call(path, request).expect_err("an error").kind()
}

#[test]
fn parameters_come_from_the_query_a_form_and_a_json_body_alike() {
    let query = request(Method::POST, &[("name", "Hiking")]);
    let form = HttpRequest { payload: Payload::Form(pairs(&[("name", "Hiking")])), ..request(Method::POST, &[]) };
    let json = with_json(request(Method::POST, &[]), json!({"name": "Hiking"}));
    for seen in [query, form, json] {
        assert_eq!(command(GROUPS, &seen), r#"CreateGroup { name: "Hiking", members: [] }"#);
    }
}

#[test]
fn a_group_without_a_name_is_a_bad_request() {
    for body in [json!({}), json!({"name": ""}), json!({"name": null}), json!({"name": []}), json!([])] {
        assert_eq!(kind(GROUPS, &with_json(request(Method::POST, &[]), body.clone())), ErrorKind::BadRequest);
        assert_eq!(kind(GROUP, &with_json(at_group(Method::PUT, "7"), body)), ErrorKind::BadRequest);
    }
}

#[test]
fn a_body_that_cannot_be_read_is_a_bad_request() {
    let seen = HttpRequest { payload: Payload::Unreadable("broken"), ..request(Method::POST, &[("name", "x")]) };
    assert_eq!(kind(GROUPS, &seen), ErrorKind::BadRequest);
}

#[test]
fn a_new_group_is_answered_by_its_id_as_a_json_string() {
    let row = ConversationRow {
        conversation: conversation(u64::MAX),
        members: Vec::new(),
        chat: ChatId::new(1),
        created: Timestamp::from_millis(0),
        updated: Timestamp::from_millis(0),
        unread: 0,
        last: None,
    };
    let answer = respond(&Method::POST, GROUPS, Ok(Reply::Opened(Opened { row, new: true })));
    assert_eq!(answer, (StatusCode::OK, r#""18446744073709551615""#.to_owned()));
}

#[test]
fn renaming_names_the_group_of_the_path() {
    let seen = with_json(at_group(Method::PUT, "7"), json!({"name": "Climbing", "groupId": "8"}));
    assert_eq!(command(GROUP, &seen), r#"RenameGroup { group: ConversationId(7), name: "Climbing" }"#);
}

#[test]
fn deleting_leaves_and_with_a_user_removes_that_member() {
    let seen = at_group(Method::DELETE, "7");
    assert_eq!(command(GROUP, &seen), "Leave { group: ConversationId(7) }");
    let removed = "RemoveMember { group: ConversationId(7), user: Handle(\"jack\") }";
    let query = HttpRequest { query: pairs(&[("userId", "jack")]), ..at_group(Method::DELETE, "7") };
    assert_eq!(command(GROUP, &query), removed);
    assert_eq!(command(GROUP, &with_json(seen, json!({"userId": "jack"}))), removed);
    let form = HttpRequest { payload: Payload::Form(pairs(&[("userId", "jack")])), ..at_group(Method::DELETE, "7") };
    assert_eq!(command(GROUP, &form), removed);
}

#[test]
fn an_empty_user_id_does_not_turn_a_removal_into_leaving() {
    let seen = HttpRequest { query: pairs(&[("userId", "")]), ..at_group(Method::DELETE, "7") };
    assert_eq!(kind(GROUP, &seen), ErrorKind::BadRequest);
}

#[test]
fn an_id_that_is_no_number_is_an_unknown_group_or_request() {
    for id in ["x", "0", "-1", "+1", "1.0", "18446744073709551616", " 1"] {
        assert_eq!(kind(GROUP, &at_group(Method::GET, id)), ErrorKind::GroupNotFound, "{id}");
        assert_eq!(kind(GROUP, &at_group(Method::DELETE, id)), ErrorKind::GroupNotFound, "{id}");
        let named = with_json(at_group(Method::PUT, id), json!({"name": "x"}));
        assert_eq!(kind(GROUP, &named), ErrorKind::GroupNotFound, "{id}");
        for method in [Method::PUT, Method::DELETE] {
            let seen = HttpRequest { path: pairs(&[("requestId", id)]), ..request(method, &[]) };
            assert_eq!(kind(REQUEST, &seen), ErrorKind::RequestNotFound, "{id}");
        }
    }
}

#[test]
fn a_group_is_shown_with_its_manager_and_members() {
    let shown = group(u64::MAX, &[user(1, "tom"), user(2, "jack")]);
    let (status, body) = respond(&Method::GET, GROUP, Ok(Reply::Group(shown)));
    let expected = json!({"id": "18446744073709551615", "name": "Hiking", "managerId": "tom",
        "usersId": ["tom", "jack"], "avatarUrl": null});
    assert_eq!((status, parse(&body)), (StatusCode::OK, expected));
}

#[test]
fn groups_are_objects_or_ids() {
    assert_eq!(command(GROUPS, &request(Method::GET, &[])), "Groups { detailed: true }");
    assert_eq!(command(GROUPS, &request(Method::GET, &[("detailed", "false")])), "Groups { detailed: false }");
    assert_eq!(kind(GROUPS, &request(Method::GET, &[("detailed", "perhaps")])), ErrorKind::BadRequest);
    let (_, body) = respond(&Method::GET, GROUPS, Ok(Reply::Groups(vec![group(7, &[user(1, "tom")])])));
    let expected = json!([{"id": "7", "name": "Hiking", "managerId": "tom", "usersId": ["tom"], "avatarUrl": null}]);
    assert_eq!(parse(&body), expected);
    let (_, body) = respond(&Method::GET, GROUPS, Ok(Reply::Groups(vec![group(7, &[]), group(8, &[])])));
    assert_eq!(body, r#"["7","8"]"#);
    let (_, body) = respond(&Method::GET, GROUPS, Ok(Reply::Groups(Vec::new())));
    assert_eq!(body, "[]");
}

#[test]
fn an_invitation_names_group_and_user() {
    let seen = with_json(request(Method::POST, &[]), json!({"groupId": 7, "userId": "jack"}));
    let expected = "Invite { group: ConversationId(7), user: Handle(\"jack\"), note: None }";
    assert_eq!(command(REQUESTS, &seen), expected);
    for body in [json!({"groupId": "7"}), json!({"userId": "jack"}), json!({"groupId": "7", "userId": ""})] {
        assert_eq!(kind(REQUESTS, &with_json(request(Method::POST, &[]), body)), ErrorKind::BadRequest);
    }
    let nobody = json!({"groupId": "7", "userId": "x".repeat(129)});
    assert_eq!(kind(REQUESTS, &with_json(request(Method::POST, &[]), nobody)), ErrorKind::UserNotFound);
}

#[test]
fn invitations_are_listed_and_other_requests_are_not() {
    let asked = |id, kind| {
        Request {
            id: RequestId::new(id),
            kind,
            from: full_user(1, "tom"),
            to: user(2, "jack"),
            note: None,
            created: Timestamp::from_millis(0),
            state: RequestState::Pending,
            decided: None,
        }
        .into()
    };
    let group = GroupRef { id: 7.to_string().parse().unwrap(), name: "Hiking".into() };
    let list = vec![asked(5, RequestKind::Invitation(group)), asked(6, RequestKind::Friend)];
    assert_eq!(command(REQUESTS, &request(Method::GET, &[])), "Invitations");
    let (status, body) = respond(&Method::GET, REQUESTS, Ok(Reply::Requests(list)));
    let expected = json!([{"id": "5", "groupName": "Hiking", "groupId": "7", "userId": "jack", "invitedBy": "tom"}]);
    assert_eq!((status, parse(&body)), (StatusCode::OK, expected));
}

#[test]
fn putting_accepts_and_deleting_declines() {
    for (method, answer) in [(Method::PUT, "Accept"), (Method::DELETE, "Refuse")] {
        let seen = HttpRequest { path: pairs(&[("requestId", "5")]), ..request(method, &[]) };
        let expected = format!("Decide {{ request: RequestId(5), answer: {answer}, groups_only: true }}");
        assert_eq!(command(REQUEST, &seen), expected);
    }
}

#[test]
fn what_is_done_is_answered_by_nothing() {
    for (method, path) in [
        (Method::PUT, GROUP),
        (Method::DELETE, GROUP),
        (Method::PUT, REQUEST),
        (Method::DELETE, REQUEST),
        (Method::POST, REQUESTS),
    ] {
        assert_eq!(respond(&method, path, Ok(Reply::Done)), (StatusCode::OK, String::new()));
    }
}
