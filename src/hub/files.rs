//! What is known of uploads, kept with everything else.

use data_encoding::HEXLOWER;
use koine_core::{Error, File, FileId};

use super::Hub;
use crate::auth::Lookup;
use crate::files::{FileIndex, FileRecord};
use crate::store::Action;

impl FileIndex for Hub {
    fn add(&self, record: FileRecord) -> Lookup<'_, ()> {
        Box::pin(async move {
            self.0.check_room()?;
            let (user_quota, total_quota) = (self.0.rules.user_files, self.0.rules.total_files);
            let file = Box::new(record.to_file(""));
            self.0.change_as_operator(Action::AddFile { file, user_quota, total_quota }).await.map(|_| ())
        })
    }

    fn find(&self, id: FileId) -> Lookup<'_, Option<FileRecord>> {
        Box::pin(async move {
            let found = self.0.ask(move |store| store.file(id)).await?;
            found.map(read).transpose()
        })
    }
}

fn read(file: File) -> Result<FileRecord, Error> {
    Ok(FileRecord {
        id: file.id,
        md5: digest(&file.md5)?,
        sha256: digest(&file.sha256)?,
        name: file.name,
        size: file.size,
        media_type: file.media_type,
        owner: file.owner,
        created: file.created,
    })
}

fn digest<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    let bytes = HEXLOWER.decode(text.as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(Error::internal)
}
