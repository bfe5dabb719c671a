use koine_core::{Dialect, Error, ErrorKind, Input, Outputs};

use super::sample::{NOON, body, dialect, session};
use super::session::{frames, ready};
use crate::error::{frame, wire};

#[test]
fn every_kind_has_a_code_a_message_and_a_close_code_of_the_document() {
    for kind in ErrorKind::ALL {
        let wire = wire(*kind);
        assert!([400, 403, 404, 413, 429, 500].contains(&wire.http), "{kind:?}");
        assert!([400, 403, 404, 413, 429, 500].contains(&wire.socket), "{kind:?}");
        assert!([1009, 1011, 1013, 4003, 4004].contains(&wire.close.0), "{kind:?}");
        assert!(!wire.message.is_empty(), "{kind:?}");
    }
}

#[test]
fn every_kind_is_an_http_reply_with_status_200_and_empty_data() {
    for kind in ErrorKind::ALL {
        let reply = body(dialect().http_error(&Error::new(*kind)));
        assert_eq!(reply["code"], wire(*kind).http, "{kind:?}");
        assert_eq!(reply["message"], wire(*kind).message, "{kind:?}");
        assert_eq!(reply["data"], serde_json::json!({}), "{kind:?}");
    }
}

#[test]
fn every_kind_is_an_error_frame_on_a_ready_connection_which_stays() {
    for kind in ErrorKind::ALL {
        let (mut session, mut out) = (ready(session("tom", "sig")), Outputs::new());
        session.handle(NOON, Input::Refused(None, Error::new(*kind)), &mut out);
        let sent = frames(&mut out);
        assert_eq!(sent.len(), 1, "{kind:?}");
        assert_eq!(sent[0]["type"], "ERROR");
        assert_eq!(sent[0]["code"], wire(*kind).socket, "{kind:?}");
    }
}

#[test]
fn every_endpoint_answers_every_kind_of_error() {
    let (zone, user) = (koine_core::Zone::utc(), super::sample::tom().to_ref());
    for endpoint in dialect().endpoints() {
        for kind in ErrorKind::ALL {
            let context = koine_core::Context { user: Some(&user), now: NOON, zone: &zone };
            let reply = body(endpoint.response(
                &context,
                &koine_core::HttpRequest::new(http::Method::GET),
                Err(Error::new(*kind)),
            ));
            let expected = match (endpoint.path(), kind) {
                ("/file/upload-chat-file/", ErrorKind::TooLarge | ErrorKind::FileNotFound) => 400,
                ("/chat/get-user-sig/", ErrorKind::UserNotFound) => 403,
                _ => wire(*kind).http,
            };
            assert_eq!(reply["code"], expected, "{} {kind:?}", endpoint.path());
        }
    }
}

#[test]
fn the_detail_of_an_error_is_shown_in_the_place_of_the_sentence() {
    assert_eq!(frame(&Error::bad_request("name不能为空")).message, "name不能为空");
    assert_eq!(frame(&ErrorKind::NotMember.into()).code, 403);
    assert_eq!(wire(ErrorKind::NotMember).http, 404);
}
