//! Uploaded files: what is known of them, what is counted of them, and whether their bytes are there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::walk::Checker;
use crate::store::embedded::records::{Count, FileRecord};
use crate::store::embedded::{keys, spaces};

impl Checker<'_> {
    /// Every file is a user's; contents and users count what there is. The counts are kept in memory: some hundred
    /// bytes for each different content.
    pub(super) fn files(&mut self, data: Option<&Path>) {
        let mut contents: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut usage: BTreeMap<u64, u64> = BTreeMap::new();
        self.records::<FileRecord>(spaces::FILES, |checker, key, file| {
            checker.expect(key.len() == 16, spaces::FILES, key, "the key is not a file's");
            for (name, text, length) in [("MD5", &file.md5, 32), ("SHA-256", &file.sha256, 64)] {
                let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                if text.len() != length || !text.bytes().all(hexadecimal) {
                    checker.find(spaces::FILES, key, format!("its {name} is not one"));
                }
            }
            let known = checker.is_user(file.owner)?;
            checker.expect(known, spaces::FILES, key, "its owner is missing");
            for user in [file.owner, 0] {
                let bytes = usage.entry(user).or_default();
                *bytes = bytes.saturating_add(file.size);
            }
            let content = contents.entry(file.sha256).or_insert((0, file.size));
            content.0 += 1;
            checker.expect(content.1 == file.size, spaces::FILES, key, "files of the same content differ in size");
            Ok(())
        });
        self.records::<Count>(spaces::BLOBS, |checker, key, Count(counted)| {
            let there = str::from_utf8(key).ok().and_then(|key| contents.get(key)).map_or(0, |content| content.0);
            if there != counted {
                checker.find(spaces::BLOBS, key, format!("{counted} files are counted, and there are {there}"));
            }
            Ok(())
        });
        self.records::<Count>(spaces::FILE_USAGE, |checker, key, Count(counted)| {
            let there = keys::read_number(key).and_then(|user| usage.get(&user)).copied().unwrap_or(0);
            if there != counted {
                checker.find(spaces::FILE_USAGE, key, format!("{counted} bytes are counted, and there are {there}"));
            }
            Ok(())
        });
        self.uncounted(&contents, &usage);
        if let Some(data) = data {
            self.bytes(&contents, data);
        }
    }

    fn uncounted(&mut self, contents: &BTreeMap<String, (u64, u64)>, usage: &BTreeMap<u64, u64>) {
        for content in contents.keys() {
            if matches!(self.count(spaces::BLOBS, content.as_bytes()), Ok(0)) {
                self.find(spaces::BLOBS, content.as_bytes(), "files have this content, and none is counted");
            }
        }
        for (user, bytes) in usage {
            if *bytes > 0 && matches!(self.count(spaces::FILE_USAGE, &keys::number(*user)), Ok(0)) {
                self.find(spaces::FILE_USAGE, &keys::number(*user), format!("0 bytes are counted of {bytes}"));
            }
        }
    }

    fn bytes(&mut self, contents: &BTreeMap<String, (u64, u64)>, data: &Path) {
        for (sha256, (_, size)) in contents {
            let path = data.join("files").join(sha256.get(..2).unwrap_or_default()).join(sha256);
            match fs::metadata(&path) {
                Ok(found) if found.len() == *size => {}
                Ok(found) => {
                    let what = format!("{} has {} bytes instead of {size}", path.display(), found.len());
                    self.find(spaces::BLOBS, sha256.as_bytes(), what);
                }
                Err(error) => {
                    let what = format!("{} cannot be read: {error}", path.display());
                    self.find(spaces::BLOBS, sha256.as_bytes(), what);
                }
            }
        }
    }
}
