//! Processes of a member that are not in its cgroup: whatever holds the member does not hold them.
//!
//! They are found among the descendants of its init, which the kernel lists thread by thread.

use super::cgroup;
use super::error::ObserveError;
use super::observation::{MemberSeen, Memberships, Outside, Seen, Subject};
use super::read::{self, senseless, unreadable};
use super::stat;
use super::words::number;
use crate::host::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The kernel's list of a thread's children: without CONFIG_PROC_CHILDREN there is none.
const ABILITY: &str = "children-list";

/// Fills in what is outside of each member's cgroup. `pod` is the Pod's cgroup, if it is known.
pub fn outside(
    subjects: &[Subject<'_>],
    members: &mut [(String, String, Option<MemberSeen>)],
    pod: Option<&str>,
) -> Result<(), ObserveError> {
    let homes: Vec<Option<Home>> = members.iter().map(|(_, _, seen)| seen.as_ref().map(|s| Home::of(s, pod))).collect();
    let inits: BTreeSet<i32> = subjects.iter().map(|subject| subject.process.pid()).collect();
    for (index, subject) in subjects.iter().enumerate() {
        let Some((_, _, Some(seen))) = members.get_mut(index) else { continue };
        // What its parent left behind is given to the init of the PID namespace, which may be another member.
        let adopts = seen.own_pid == Some(1);
        let of_same = |home: &&Home| adopts && home.pid_namespace == seen.namespaces.get("pid").map(|id| id.ino);
        let own = homes.get(index).into_iter().flatten();
        let allowed: Vec<&Home> = own.chain(homes.iter().flatten().filter(of_same)).collect();
        seen.outside = of_member(subject.process, &inits, &allowed, &Process::find)?;
    }
    Ok(())
}

/// Where the processes of a member may be.
struct Home {
    /// Hierarchy → the member's own cgroup there.
    cgroups: BTreeMap<String, String>,
    pid_namespace: Option<u64>,
}

impl Home {
    fn of(seen: &MemberSeen, pod: Option<&str>) -> Home {
        let cgroups = by_hierarchy(&seen.memberships).map(|(name, path)| (name.to_owned(), own(path, pod).to_owned()));
        Home { cgroups: cgroups.collect(), pid_namespace: seen.namespaces.get("pid").map(|id| id.ino) }
    }

    fn holds(&self, hierarchy: &str, path: &str) -> bool {
        self.cgroups.get(hierarchy).is_some_and(|own| within(path, own))
    }
}

/// The member's own cgroup: it may itself be in one below, as crun puts it and as systemd in a container does.
fn own<'a>(path: &'a str, pod: Option<&str>) -> &'a str {
    let below = pod.and_then(|pod| path.strip_prefix(pod)?.strip_prefix('/'));
    match below.and_then(|below| below.split_once('/')) {
        Some((_, deeper)) => &path[..path.len() - deeper.len() - 1],
        None => path,
    }
}

fn within(path: &str, cgroup: &str) -> bool {
    cgroup == "/" || path.strip_prefix(cgroup).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn by_hierarchy(memberships: &Memberships) -> impl Iterator<Item = (&str, &str)> {
    let unified = memberships.unified.iter().map(|path| ("unified", path.as_str()));
    memberships.v1.iter().map(|(name, path)| (name.as_str(), path.as_str())).chain(unified)
}

fn of_member(
    init: &Process,
    inits: &BTreeSet<i32>,
    homes: &[&Home],
    open: &dyn Fn(i32) -> io::Result<Option<Process>>,
) -> Result<Seen<Vec<Outside>>, ObserveError> {
    let mut found = Vec::new();
    let mut known = inits.clone();
    let Some(mut waiting) = children(init)? else { return Ok(Seen::Unobservable(ABILITY)) };
    while let Some((parent, pid)) = waiting.pop() {
        if !known.insert(pid) {
            continue;
        }
        // What has ended by now is nowhere; what has taken its pid is no descendant.
        let file = |name: &str| format!("/proc/{pid}/{name}");
        let Some(process) = open(pid).map_err(unreadable(format!("/proc/{pid}")))? else { continue };
        let text = |name| read::if_there(read::text(&process, name)).map_err(unreadable(file(name)));
        let Some(cgroups) = text("cgroup")? else { continue };
        let Some(stat) = text("stat")? else { continue };
        let stat = stat::parse(&stat).map_err(senseless(file("stat")))?;
        // Looked at last: one that is exiting is shown in the root of every v1 hierarchy.
        if !stat.is_running() || stat.exiting || stat.parent != parent && stat.parent != init.pid() {
            continue;
        }
        let memberships = cgroup::memberships(&cgroups).map_err(senseless(file("cgroup")))?;
        let away = by_hierarchy(&memberships).filter(|(name, path)| !homes.iter().any(|home| home.holds(name, path)));
        let cgroups: BTreeMap<String, String> = away.map(|(n, path)| (n.to_owned(), path.to_owned())).collect();
        if !cgroups.is_empty() {
            found.push(Outside { command: read::command_line(&process, &stat.comm), cgroups });
        }
        waiting.extend(children(&process)?.unwrap_or_default());
    }
    found.sort();
    Ok(Seen::Value(found))
}

/// Parent and pid of each child of each of its threads; `None` if this kernel does not list them.
fn children(process: &Process) -> Result<Option<Vec<(i32, i32)>>, ObserveError> {
    let file = |thread: i32| format!("task/{thread}/children");
    let pid = process.pid();
    let failed = |thread: i32| unreadable(format!("/proc/{pid}/{}", file(thread)));
    let mut children = Vec::new();
    let listed = || read::if_there(read::threads(process)).map_err(unreadable(format!("/proc/{pid}/task")));
    let threads = match read::if_there(read::thread_count(process)).map_err(unreadable(format!("/proc/{pid}/task")))? {
        Some(1) => vec![pid],
        Some(_) => listed()?.unwrap_or_default(),
        None => Vec::new(),
    };
    for thread in threads {
        match read::text(process, &file(thread)) {
            Ok(text) => {
                for word in text.split_whitespace() {
                    let child = number(word).map_err(senseless(format!("/proc/{pid}/{}", file(thread))))?;
                    children.push((pid, child));
                }
            }
            // Either the kernel has no such file, or the thread is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound && read::has_thread(process, thread) => {
                return Ok(None);
            }
            Err(error) if read::is_gone(&error) => {}
            Err(error) => return Err(failed(thread)(error)),
        }
    }
    Ok(Some(children))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn home(pairs: &[(&str, &str)]) -> Home {
        let cgroups = pairs.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        Home { cgroups, pid_namespace: None }
    }

    #[test]
    fn what_is_below_a_members_own_cgroup_is_its_own() {
        let pod = Some("/podcheck/x/pod1");
        assert_eq!(own("/podcheck/x/pod1/app", pod), "/podcheck/x/pod1/app");
        assert_eq!(own("/podcheck/x/pod1/app/container", pod), "/podcheck/x/pod1/app");
        assert_eq!(own("/podcheck/x/pod12/app/container", pod), "/podcheck/x/pod12/app/container");
        assert_eq!(own("/", pod), "/");
        assert_eq!(own("/a/b", None), "/a/b");
        let app = home(&[("pids", "/pod/app"), ("unified", "/")]);
        assert!(app.holds("pids", "/pod/app") && app.holds("pids", "/pod/app/init.scope"));
        assert!(!app.holds("pids", "/pod/app2") && !app.holds("pids", "/pod") && !app.holds("memory", "/pod/app"));
        assert!(app.holds("unified", "/anywhere"));
    }

    /// A process whose files are in a folder: its init has one thread, and one child.
    fn fake(folder: &std::path::Path, pid: i32, child: &str) -> Process {
        let own = folder.join(pid.to_string());
        std::fs::create_dir_all(own.join(format!("task/{pid}"))).expect("made");
        std::fs::write(own.join(format!("task/{pid}/children")), child).expect("written");
        std::fs::write(own.join("stat"), stat::SLEEP.replace(" 8895 8917 ", " 1 8917 ")).expect("written");
        std::fs::write(own.join("cgroup"), "0::/elsewhere\n").expect("written");
        std::fs::write(own.join("cmdline"), "sleep\x001\x00").expect("written");
        Process::in_folder(pid, &own).expect("a folder")
    }

    #[test]
    fn a_descendant_that_cannot_be_looked_at_is_not_at_home() {
        let folder = tempfile::tempdir().expect("a folder");
        let init = fake(folder.path(), 1, "2 ");
        fake(folder.path(), 2, "");
        let homes = [home(&[("unified", "/pod/app")])];
        let homes: Vec<&Home> = homes.iter().collect();
        let open = |pid: i32| read::if_there(Process::in_folder(pid, &folder.path().join(pid.to_string())));
        let seen = |open: &dyn Fn(i32) -> io::Result<Option<Process>>| of_member(&init, &BTreeSet::new(), &homes, open);
        let commands = |seen: Result<Seen<Vec<Outside>>, ObserveError>| match seen {
            Ok(Seen::Value(found)) => Vec::from_iter(found.into_iter().map(|one| one.command)),
            other => panic!("{other:?}"),
        };
        assert_eq!(commands(seen(&open)), ["sleep 1"]);
        assert!(seen(&|_| Err(nix::Error::EMFILE.into())).is_err(), "no descriptor was left");
        assert_eq!(commands(seen(&|_| Ok(None))), [""; 0], "it has ended");
        for name in ["cgroup", "stat"] {
            let file = folder.path().join("2").join(name);
            let text = std::fs::read(&file).expect("there");
            std::fs::write(&file, "").expect("written");
            assert!(seen(&open).is_err(), "{name} is empty");
            std::fs::remove_file(&file).expect("there");
            assert_eq!(commands(seen(&open)), [""; 0], "{name} is gone, and the process with it");
            std::fs::create_dir(&file).expect("made");
            assert!(seen(&open).is_err(), "{name} cannot be read");
            std::fs::remove_dir(&file).expect("there");
            std::fs::write(&file, text).expect("written");
        }
        std::fs::remove_dir_all(folder.path().join("1/task")).expect("there");
        std::fs::write(folder.path().join("1/task"), "").expect("written");
        assert!(seen(&open).is_err(), "its threads cannot be listed");
    }

    fn memberships_of(process: &Process) -> Vec<(String, String)> {
        let text = read::text(process, "cgroup").expect("text");
        let memberships = cgroup::memberships(&text).expect("good text");
        by_hierarchy(&memberships).map(|(name, path)| (name.to_owned(), path.to_owned())).collect()
    }

    /// This process stands in for a member; whatever else it runs meanwhile is not looked at.
    #[test]
    fn a_descendant_elsewhere_is_found_and_one_at_home_is_not() {
        struct End(Child);
        impl Drop for End {
            fn drop(&mut self) {
                drop(self.0.kill());
                drop(self.0.wait());
            }
        }
        let us = Process::open(std::process::id().cast_signed()).expect("this process");
        let here = memberships_of(&us);
        let pairs: Vec<(&str, &str)> = here.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
        let _child = End(Command::new("sleep").arg("59.7").spawn().expect("sleep"));
        let ours = |home: &Home| match of_member(&us, &BTreeSet::new(), &[home], &Process::find).expect("seen") {
            Seen::Value(found) => found.into_iter().find(|outside| outside.command == "sleep 59.7"),
            other => panic!("{other:?}"),
        };
        assert_eq!(ours(&home(&pairs)), None);
        let (first, rest) = pairs.split_first().expect("a hierarchy");
        let moved = home(&[&[(first.0, "/nowhere")], rest].concat());
        // Between fork and exec a child has its parent's command line.
        let found =
            crate::host::poll_until(std::time::Instant::now() + std::time::Duration::from_secs(5), || ours(&moved));
        assert_eq!(found.expect("the child").cgroups, BTreeMap::from([(first.0.to_owned(), first.1.to_owned())]));
    }
}
