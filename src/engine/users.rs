//! Who a container runs as: numbers from the manifest or the image, looked up in the image's own passwd and group.

use super::fault::{Context, Fault};
use super::paths::{Missing, Root, handle};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Ids of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Real, effective, saved and file system uid.
    pub uid: u32,
    /// Likewise the gid.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// An image's account files.
#[derive(Debug, Default)]
pub struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    /// Reads them; an image need not have any.
    ///
    /// # Errors
    /// They are there and cannot be read.
    pub fn read(image: &Path) -> Result<Accounts, Fault> {
        let root = Root::open(image).to(|| format!("open the image {}", image.display()))?;
        let text = |path: &str| match root.resolve(Path::new(path), Missing::Refuse).map(|fd| fs::read(handle(&fd))) {
            Ok(Ok(bytes)) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(nix::errno::Errno::ENOENT) => Ok(String::new()),
            Ok(Err(e)) if e.kind() == ErrorKind::NotFound => Ok(String::new()),
            Ok(Err(e)) => Err(Fault::new(format!("read {path} of the image {}", image.display()), e)),
            Err(e) => Err(Fault::new(format!("read {path} of the image {}", image.display()), e)),
        };
        Ok(Accounts { passwd: text("/etc/passwd")?, group: text("/etc/group")? })
    }

    /// The user that `spec` names: empty, `uid`, `name`, `uid:gid`, `name:group`. A uid without an account has gid 0.
    /// Groups are the gid, those of the image's group file that list the user, and `supplemental`; Source: containerd
    /// pkg/oci/spec_opts.go since 1.6.18.
    ///
    /// # Errors
    /// A name that the image does not know.
    pub fn user(&self, spec: &str, supplemental: &[u32]) -> Result<User, Fault> {
        let (user, group) = spec.split_once(':').map_or((spec, None), |(u, g)| (u, Some(g)));
        let user = if user.is_empty() { "0" } else { user };
        let account = self.account(user);
        let uid = match (account, user.parse()) {
            (Some(account), _) => number(account, 2),
            (None, Ok(uid)) => Some(uid),
            (None, Err(_)) => None,
        };
        let unknown = |what: &str, name: &str| Fault::new(format!("find the {what} {name}"), "the image has none");
        let uid = uid.ok_or_else(|| unknown("user", user))?;
        let gid = match group {
            None => account.and_then(|a| number(a, 3)).unwrap_or(0),
            Some(group) => match group.parse() {
                Ok(gid) => gid,
                Err(_) => self
                    .groups(|fields| fields.first() == Some(&group))
                    .next()
                    .ok_or_else(|| unknown("group", group))?,
            },
        };
        let name = account.and_then(|a| a.split(':').next()).unwrap_or_default();
        let lists =
            |fields: &[&str]| fields.get(3).is_some_and(|m| !name.is_empty() && m.split(',').any(|m| m == name));
        let mut groups = BTreeSet::from([gid]);
        groups.extend(self.groups(lists));
        groups.extend(supplemental);
        Ok(User { uid, gid, groups: groups.into_iter().collect() })
    }

    fn home(&self, uid: u32) -> &str {
        let account = self.account(&uid.to_string());
        account.and_then(|a| a.split(':').nth(5)).filter(|home| !home.is_empty()).unwrap_or("/")
    }

    fn account(&self, user: &str) -> Option<&str> {
        let named = |line: &&str| line.split(':').next() == Some(user);
        let numbered = |line: &&str| user.parse::<u32>().is_ok_and(|uid| number(line, 2) == Some(uid));
        self.passwd.lines().find(named).or_else(|| self.passwd.lines().find(numbered))
    }

    fn groups(&self, wanted: impl Fn(&[&str]) -> bool) -> impl Iterator<Item = u32> {
        self.group.lines().filter_map(move |line| {
            let fields: Vec<&str> = line.split(':').collect();
            if wanted(&fields) { number(line, 2) } else { None }
        })
    }
}

/// A passwd file is not longer.
const PASSWD_LIMIT: u64 = 1 << 20;

/// Home directory of a user, `/` where passwd has none: of the root that this process is in, where a volume may lie over the
/// image's file. Source: runc libcontainer/init_linux.go, `setupUser`.
pub fn home(uid: u32) -> String {
    let file = File::open("/etc/passwd").ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
    let mut passwd = Vec::new();
    let read = file.map(|file| file.take(PASSWD_LIMIT).read_to_end(&mut passwd));
    // One that cannot be read names nobody.
    let passwd =
        if matches!(read, Some(Ok(_))) { String::from_utf8_lossy(&passwd).into_owned() } else { String::new() };
    Accounts { passwd, group: String::new() }.home(uid).to_owned()
}

fn number(line: &str, field: usize) -> Option<u32> {
    line.split(':').nth(field)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/false\nbroken\n".to_owned(),
            group: "root:x:0:\nweb:x:34:\nmail:x:8:web,root\nlogs:x:9:web\n".to_owned(),
        }
    }

    #[test]
    fn names_and_numbers_are_looked_up() {
        let user = |spec: &str, extra: &[u32]| {
            accounts().user(spec, extra).map(|u| (u.uid, u.gid, u.groups)).map_err(|f| f.to_string())
        };
        assert_eq!(user("", &[]), Ok((0, 0, vec![0, 8])));
        assert_eq!(user("web", &[70]), Ok((33, 34, vec![8, 9, 34, 70])));
        assert_eq!(user("33:logs", &[]), Ok((33, 9, vec![8, 9])));
        assert_eq!(user("1000", &[2000]), Ok((1000, 0, vec![0, 2000])));
        assert_eq!(user("1000:1001", &[]), Ok((1000, 1001, vec![1001])));
        assert_eq!([0, 33, 1000].map(|uid| accounts().home(uid).to_owned()), ["/root", "/srv", "/"]);
        assert!(user("ghost", &[]).is_err_and(|e| e.contains("the user ghost")));
        assert!(user("0:ghosts", &[]).is_err_and(|e| e.contains("the group ghosts")));
    }
}
