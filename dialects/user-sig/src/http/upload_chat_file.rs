//! POST `/file/upload-chat-file/`.

use std::borrow::Cow;

use http::Method;
use koine_core::{Access, Call, Context, Endpoint, EndpointKind, Error, ErrorKind, HttpRequest, HttpResponse, Reply};

use super::{by_user_sig, failure, success};
use crate::params;
use crate::wire::{ChatFile, ChatFileData};

const FIELD: &str = "file";

/// 上传聊天文件: keeps a file and says where it can be fetched. The gateway streams it to the file store.
pub(super) struct UploadChatFile;

impl Endpoint for UploadChatFile {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/file/upload-chat-file/"
    }

    fn access(&self) -> Access {
        by_user_sig()
    }

    fn kind(&self) -> EndpointKind {
        EndpointKind::Upload { field: FIELD }
    }

    fn request(&self, _: &Context<'_>, _: &HttpRequest) -> Result<Call, Error> {
        // A body that was not multipart, and so had no file in it.
        Err(params::empty(FIELD))
    }

    fn response(&self, context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        let file = match result {
            Ok(Reply::File(file)) => file,
            Ok(_) => return failure(&Error::internal()),
            Err(error) => {
                return failure(&match error.kind() {
                    ErrorKind::TooLarge => Error::bad_request("文件大小超限"),
                    ErrorKind::FileNotFound => params::empty(FIELD),
                    _ => error,
                });
            }
        };
        success(&ChatFileData {
            chat_file: ChatFile {
                id: Cow::Owned(file.id.to_string()),
                md5: Cow::Borrowed(&file.md5),
                create_time: Cow::Owned(context.zone.text(file.created)),
                url: Cow::Borrowed(&file.url),
                name: Cow::Borrowed(&file.name),
                size: file.size,
            },
        })
    }
}
