//! `/proc/<pid>/uid_map` and `gid_map`: which of the host's ids a user namespace has, and what it calls them.

use super::error::Malformed;
use super::observation::Credentials;
use super::words::number;

/// What stands for an id that a user namespace has not.
const NOBODY: u32 = 65534;

/// One line of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// The first id inside.
    pub inside: u32,
    /// The first id on the host.
    pub outside: u32,
    /// How many.
    pub length: u32,
}

/// The maps of a user namespace that is not the host's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdMaps {
    /// Of users.
    pub uid: Vec<IdRange>,
    /// Of groups.
    pub gid: Vec<IdRange>,
}

/// Parses a map.
pub fn parse(text: &str) -> Result<Vec<IdRange>, Malformed> {
    let line = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [inside, outside, length] => {
            Ok(IdRange { inside: number(inside)?, outside: number(outside)?, length: number(length)? })
        }
        _ => Err(Malformed::new("three numbers", line)),
    };
    text.lines().map(line).collect()
}

impl IdMaps {
    /// What the host sees, as the namespace calls it.
    pub fn inside(&self, seen: Credentials) -> Credentials {
        let (uid, gid) = (|id| inside(&self.uid, id), |id| inside(&self.gid, id));
        Credentials {
            uid: seen.uid.map(uid),
            gid: seen.gid.map(gid),
            groups: seen.groups.into_iter().map(gid).collect(),
            ..seen
        }
    }
}

impl IdMaps {
    /// Options of a file system that name ids, as the namespace calls them; its root needs not be named, as in a container of
    /// the host's users.
    pub fn options(&self, options: Vec<String>) -> Vec<String> {
        let called = |option: String| {
            let (map, id) = match option.split_once('=') {
                Some(("uid", id)) => (&self.uid, id),
                Some(("gid", id)) => (&self.gid, id),
                _ => return Some(option),
            };
            let Ok(id) = id.parse().map(|id| inside(map, id)) else { return Some(option) };
            (id != 0).then(|| format!("{}={id}", option.split('=').next().unwrap_or_default()))
        };
        options.into_iter().filter_map(called).collect()
    }
}

fn inside(map: &[IdRange], id: u32) -> u32 {
    let within = |range: &&IdRange| id.checked_sub(range.outside).is_some_and(|offset| offset < range.length);
    map.iter().find(within).map_or(NOBODY, |range| range.inside + (id - range.outside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_called_as_inside() {
        let uid = parse("         0     131072      65536\n").expect("good text");
        let gid = parse("0 100000 1000\n1000 300000 10\n").expect("good text");
        let seen = Credentials {
            uid: [131_072, 132_072, 0, 196_608],
            gid: [300_001; 4],
            groups: vec![100_999, 101_000],
            ..Credentials::default()
        };
        let called = IdMaps { uid, gid }.inside(seen);
        assert_eq!(called.uid, [0, 1000, NOBODY, NOBODY]);
        assert_eq!((called.gid, called.groups), ([1001; 4], vec![999, NOBODY]));
        let options = ["uid=131072", "gid=131077", "rw"].map(str::to_owned).to_vec();
        let maps =
            IdMaps { uid: parse("0 131072 65536").expect("good text"), gid: parse("0 131072 9").expect("good text") };
        assert_eq!(maps.options(options), ["gid=5", "rw"]);
        assert!(parse("0 1\n").is_err() && parse("0 1 x\n").is_err());
    }
}
