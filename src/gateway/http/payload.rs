//! Bodies by their media type.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use koine_core::Payload;
use percent_encoding::percent_decode;

/// Reads a body for what it says it is; where it says nothing, or claims to be a form, JSON is known
/// by its first brace.
pub(in crate::gateway) async fn parse(headers: &HeaderMap, body: Bytes) -> Payload {
    if body.is_empty() {
        return Payload::Empty;
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "multipart/form-data" => multipart(content_type, body).await,
        "application/x-www-form-urlencoded" => braced_json(&body).unwrap_or_else(|| form(&body)),
        json if json == "application/json" || json.ends_with("+json") || json.ends_with("/json") => {
            serde_json::from_slice(&body).map_or(Payload::Unreadable("the body is not valid JSON"), Payload::Json)
        }
        "" | "text/plain" | "application/octet-stream" => plain(&body),
        _ => braced_json(&body).unwrap_or(Payload::Unreadable("the body's media type is not supported")),
    }
}

fn plain(body: &Bytes) -> Payload {
    let begins_as_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    match serde_json::from_slice(body) {
        Ok(value) => Payload::Json(value),
        Err(_) if begins_as_json => Payload::Unreadable("the body is not valid JSON"),
        Err(_) => form(body),
    }
}

fn braced_json(body: &Bytes) -> Option<Payload> {
    let braced = body.trim_ascii_start().first() == Some(&b'{');
    braced.then(|| serde_json::from_slice(body).ok().map(Payload::Json))?
}

fn form(body: &Bytes) -> Payload {
    pairs(body).map_or(Payload::Unreadable("the body is not UTF-8"), Payload::Form)
}

/// The pairs of a form or a query; `None` if it is not UTF-8 once it is decoded.
pub(in crate::gateway) fn pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    // The signs between pairs are ASCII, so that the whole is UTF-8 if each part is.
    percent_decode(text).decode_utf8().ok()?;
    Some(form_urlencoded::parse(text).into_owned().collect())
}

/// The text parts; what was sent as a file, or is not text, is passed over.
async fn multipart(content_type: &str, body: Bytes) -> Payload {
    const BROKEN: Payload = Payload::Unreadable("the body is not valid multipart");
    let Ok(boundary) = multer::parse_boundary(content_type) else { return BROKEN };
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
    let mut parts = multer::Multipart::new(pieces, boundary);
    let mut fields = Vec::new();
    loop {
        let part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return Payload::Form(fields),
            Err(_) => return BROKEN,
        };
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let is_file = part.file_name().is_some();
        match part.bytes().await {
            Ok(_) if is_file => {}
            Ok(bytes) => fields.extend(String::from_utf8(bytes.to_vec()).ok().map(|text| (name, text))),
            Err(_) => return BROKEN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content_type: &'static str, body: &'static str) -> Payload {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, content_type.parse().expect("a value"));
        }
        parse(&headers, Bytes::from_static(body.as_bytes())).await
    }

    fn pairs(payload: Payload) -> Vec<(String, String)> {
        match payload {
            Payload::Form(pairs) => pairs,
            other => panic!("{other:?} is no form"),
        }
    }

    #[tokio::test]
    async fn forms_are_read_in_both_encodings() {
        let expected = [("name".to_owned(), "汤姆 &".to_owned()), ("n".to_owned(), "1".to_owned())];
        let form = read("application/x-www-form-urlencoded; charset=UTF-8", "name=%E6%B1%A4%E5%A7%86+%26&n=1").await;
        assert_eq!(pairs(form), expected);
        let parts = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n汤姆 &\r\n\
            --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nbytes\r\n\
            --b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1\r\n--b--\r\n";
        assert_eq!(pairs(read("multipart/form-data; boundary=b", parts).await), expected);
    }

    #[tokio::test]
    async fn json_is_read_whatever_the_client_calls_it() {
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
        ] {
            let payload = read(content_type, " {\"a\": 1}").await;
            assert!(matches!(payload, Payload::Json(value) if value["a"] == 1), "{content_type}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_says_so() {
        assert!(matches!(read("application/json", "{").await, Payload::Unreadable(_)));
        assert!(matches!(read("", "{").await, Payload::Unreadable(_)));
        assert!(matches!(read("multipart/form-data", "x").await, Payload::Unreadable(_)));
        assert!(matches!(read("multipart/form-data; boundary=b", "--b\r\ncut").await, Payload::Unreadable(_)));
        assert!(matches!(read("image/png", "x").await, Payload::Unreadable(_)));
        assert!(matches!(read("application/json", "").await, Payload::Empty));
    }
}
