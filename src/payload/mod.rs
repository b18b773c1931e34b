//! What runs inside containers: podcheck's own binary under a few names.
//!
//! [`PROGRAMS`] is the one table: what is dispatched, what the image has links for, and what a manifest may ask for.
//! A program is single-threaded and holds little memory, for it must run in a container that is held to 16 MiB.

mod attempt;
mod ending;
mod fault;
mod file;
mod held;
mod hold;
mod http;
mod ipc;
mod lasting;
mod net;
mod operand;
mod process;
mod serve;
mod stay;
mod system;
mod text;
mod unix;
mod victim;

pub use hold::HOLD;
pub use lasting::{Lasting, exit_status, is_brief, lasting};

use fault::Fault;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

/// A program that the payload has.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// What it is called by.
    pub name: &'static str,
    /// Its operands, as a usage line gives them.
    pub operands: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
    /// It may stay, and then sets [`ready_comm`] once it may be looked at and answers to SIGTERM (with 143; pause with 0).
    pub stays: bool,
    run: fn(&[OsString]) -> fault::Outcome,
}

impl Program {
    /// Whether it waits to be looked at where the host asks for that: it may have ended by then. See [`HOLD`].
    fn may_be_held(&self) -> bool {
        (!self.stays || self.name == "sleep") && self.name != HELD
    }

    /// Its usage: call and help.
    fn usage(&self) -> String {
        let call = format!("{} {}", self.name, self.operands);
        format!("{}\n       {}", call.trim_end(), self.help)
    }
}

/// A row of the table.
const fn program(
    name: &'static str,
    operands: &'static str,
    help: &'static str,
    stays: bool,
    run: fn(&[OsString]) -> fault::Outcome,
) -> Program {
    Program { name, operands, help, stays, run }
}

/// Name of the program that waits to be looked at.
pub const HELD: &str = "held";

/// Directories of the image in which every program is found.
const DIRECTORIES: [&str; 4] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"];

/// Every program, by name.
#[rustfmt::skip]
pub const PROGRAMS: &[Program] = &[
    program("allocate", "[--here [--hold D]] [--when FILE] SIZE", "touches that much memory in a child, or in this process", true, victim::allocate),
    program("append", "FILE TEXT", "adds to a file, making it if need be", false, text::append),
    program("burn", "D", "keeps one cpu busy, in a child", true, victim::burn),
    program("cat", "[FILE]…", "prints files or standard input", false, text::cat),
    program("chmod", "MODE FILE", "sets a file's mode, octal", false, file::chmod),
    program("chown", "UID[:GID] FILE", "sets a file's owner", false, file::chown),
    program("chroot-try", "", "needs CAP_SYS_CHROOT", false, attempt::chroot),
    program("cp", "FROM TO", "copies a file with its mode", false, file::cp),
    program("echo", "[-n] [WORD]…", "prints its operands", false, text::echo),
    program("env", "", "prints the environment", false, system::env),
    program("exe-write", "PID", "opens /proc/PID/exe for writing, or prints refused", false, process::exe_write),
    program("exit", "STATUS", "ends with that status", false, process::exit),
    program("exit-each", "FILE STATUS…", "ends with the next of the statuses each time it is run; FILE keeps count", false, ending::exit_each),
    program("exit-when", "FILE STATUS", "ends with that status once the file is there", true, ending::exit_when),
    program("false", "", "fails", false, text::no),
    program("fill", "[--unlinked] FILE SIZE", "writes a file of that size, in a child; without its name it goes with the child, which has 12 MiB beside", false, victim::fill),
    program("fork-until-refused", "MAX", "forks children until refused, then ends them; fails if none was refused", false, victim::fork_until_refused),
    program("get", "HOST PORT [PATH]", "prints the body of an HTTP answer", false, net::get),
    program(HELD, "WORD COMMAND…", "waits for SIGUSR1, then becomes the command", false, held::held),
    program("hostname", "[NAME]", "prints the host name, or sets it", false, system::hostname),
    program("huge", "SIZE", "touches that much memory in huge pages of 2 MiB, in a child", false, victim::huge),
    program("id", "[-u|-g|-G]", "prints the effective user, group and all groups by number", false, system::id),
    program("keyctl-try", "", "needs no privilege; default seccomp profiles refuse it", false, attempt::keyctl),
    program("kill", "[-SIGNAL] PID", "signals a process", false, process::kill),
    program("listen", "PORT", "binds and closes: shows whether the port is free", false, net::listen),
    program("ln", "-s TARGET LINK", "makes a symbolic link", false, file::ln),
    program("ls", "[-a] [-l] [PATH]…", "lists directories", false, file::ls),
    program("mkdir", "[-p] DIRECTORY…", "makes directories", false, file::mkdir),
    program("mknod", "PATH b|c MAJOR MINOR", "makes a device node; needs CAP_MKNOD", false, attempt::mknod),
    program("module-try", "", "needs CAP_SYS_MODULE", false, attempt::module),
    program("mount-tmpfs", "DIRECTORY", "mounts an empty tmpfs and leaves it there", false, attempt::mount_there),
    program("mount-try", "[DIRECTORY]", "needs CAP_SYS_ADMIN", false, attempt::mount_tmpfs),
    program("mq-get", "NAME", "takes a message from a POSIX message queue", false, ipc::mq_get),
    program("mq-list", "", "lists the POSIX message queues", false, ipc::mq_list),
    program("mq-put", "NAME TEXT", "puts a message into a POSIX message queue, making it if need be", false, ipc::mq_put),
    program("mq-rm", "NAME", "removes a POSIX message queue", false, ipc::mq_rm),
    program("net-admin-try", "", "needs CAP_NET_ADMIN", false, attempt::net_admin),
    program("nice-try", "", "needs CAP_SYS_NICE", false, attempt::nice),
    program("note-signal", "[--as TEXT] FILE D", "takes D to handle the first signal, adds its name to FILE, after TEXT if given, and ends with 0", true, ending::note_signal),
    program("open", "PATH r|w|rw", "opens and closes a file or device", false, attempt::open),
    program("orphan", "D", "leaves a child behind that ends after D; prints its pid", false, victim::orphan),
    program("pause", "", "stays as PID 1 of a sandbox and reaps", true, stay::pause),
    program("pgrep", "TEXT", "prints the pids of other processes whose command line holds the text", false, process::pgrep),
    program("ping-try", "", "needs a group within net.ipv4.ping_group_range; sends nothing", false, attempt::ping),
    program("pkill", "[-SIGNAL] TEXT", "signals other processes whose command line holds the text; fails if there are none", false, process::pkill),
    program("printenv", "NAME", "prints a variable; fails if it is not set", false, system::printenv),
    program("ps", "", "lists every process that is seen", false, process::ps),
    program("pwd", "", "prints the working directory", false, system::pwd),
    program("raw-socket-try", "", "needs CAP_NET_RAW", false, attempt::raw_socket),
    program("readlink", "LINK", "prints where a symbolic link leads", false, file::readlink),
    program("reboot-try", "", "needs CAP_SYS_BOOT; reboots nothing", false, attempt::reboot),
    program("rm", "[-r] [-f] PATH…", "removes files, and directories with -r", false, file::rm),
    program("serve", "[--name N] [--port P]… [--declared P]…", "answers every HTTP request with N; without a port just stays; a declared port that it cannot have it does without", true, serve::serve),
    program("setgid-try", "GID", "needs CAP_SETGID", false, attempt::setgid),
    program("sethostname-try", "", "needs CAP_SYS_ADMIN", false, attempt::sethostname),
    program("settime-try", "", "needs CAP_SYS_TIME; sets nothing", false, attempt::settime),
    program("setuid-try", "UID", "needs CAP_SETUID", false, attempt::setuid),
    program("shm-get", "KEY", "prints the text in a System V shared memory segment", false, ipc::shm_get),
    program("shm-put", "KEY TEXT", "puts a text into a System V shared memory segment, making it if need be", false, ipc::shm_put),
    program("shm-rm", "KEY", "removes a System V shared memory segment", false, ipc::shm_rm),
    program("signal-wait", "D", "prints which signal came", true, stay::signal_wait),
    program("sleep", "D…", "stays for the sum of its operands: 0.5, 10s, 3650d, inf", true, stay::sleep),
    program("stat", "PATH", "prints kind, mode, owner, size and device", false, file::stat),
    program("stubborn", "D", "stays whatever signal comes, but SIGKILL", true, process::stubborn),
    program("sync", "", "flushes file systems", false, system::sync),
    program("touch", "FILE…", "makes files, or sets their times to now", false, file::touch),
    program("true", "", "succeeds", false, text::yes),
    program("umount", "DIRECTORY", "unmounts what is mounted there", false, attempt::umount),
    program("uname", "[-a|-s|-n|-r|-m]", "prints the kernel's names", false, system::uname),
    program("unix-get", "PATH|@NAME", "prints what a Unix socket tells", false, unix::unix_get),
    program("unix-serve", "PATH|@NAME TEXT", "tells a text to whoever connects to a Unix socket; @NAME lies in the network namespace", true, unix::unix_serve),
    program("unshare-try", "", "needs CAP_SYS_ADMIN", false, attempt::unshare),
    program("write", "FILE TEXT", "replaces a file's content", false, text::write),
];

/// The program that a command names: by its bare name or by its path in the image.
pub fn find(command: &str) -> Option<&'static Program> {
    let name = match command.rsplit_once('/') {
        Some((directory, name)) => DIRECTORIES.contains(&directory).then_some(name)?,
        None => command,
    };
    PROGRAMS.iter().find(|program| program.name == name)
}

/// Whether the payload has the command of a manifest.
pub fn has(command: &str) -> bool {
    find(command).is_some()
}

/// What `/proc/<pid>/comm` holds once a program that stays is ready: the kernel keeps 15 bytes.
pub fn ready_comm(program: &str) -> String {
    let mut comm = format!("{program}+ready");
    comm.truncate(15);
    comm
}

/// Runs the payload program that `called` (argv\[0\]) names and returns its exit status; `None` if it names none.
pub fn main_if_called(called: &OsStr) -> Option<i32> {
    let name = Path::new(called).file_name()?;
    let program = PROGRAMS.iter().find(|program| name == program.name)?;
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    Some(run(program, &args))
}

fn run(program: &Program, args: &[OsString]) -> i32 {
    let name = program.name;
    let outcome = match if program.may_be_held() { hold::until_let_go(name) } else { Ok(None) } {
        Ok(None) => (program.run)(args),
        Ok(Some(signal)) => Ok(128 + signal as i32),
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(status) => status,
        Err(fault @ Fault::Usage(_)) => {
            complain(&format!("{name}: {}\nusage: {}", fault.text(), program.usage()));
            2
        }
        Err(fault) => {
            complain(&format!("{name}: {}", fault.text()));
            1
        }
    }
}

fn complain(text: &str) {
    // Standard error may be closed; the exit status still tells.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_without_duplicates_and_fits_the_kernels_names() {
        assert!(PROGRAMS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(PROGRAMS.iter().all(|p| !p.name.contains('/') && !p.help.is_empty()));
    }

    #[test]
    fn ready_names_of_programs_that_stay_are_distinct_and_cut_as_the_kernel_cuts_them() {
        assert_eq!(ready_comm("sleep"), "sleep+ready");
        assert_eq!(ready_comm("signal-wait"), "signal-wait+rea");
        for program in PROGRAMS.iter().filter(|p| p.stays) {
            assert!(ready_comm(program.name).contains('+'), "{} is too long to be seen ready", program.name);
        }
    }

    #[test]
    fn commands_are_found_by_name_and_by_the_images_paths() {
        for command in ["sleep", "/bin/sleep", "/usr/bin/sleep", "/sbin/sleep", "/usr/sbin/sleep"] {
            assert!(has(command), "{command}");
        }
        for command in ["", "/", "sh", "/bin/sh", "./sleep", "bin/sleep", "/opt/sleep", "/bin/", "/sleep", "podcheck"] {
            assert!(!has(command), "{command}");
        }
    }

    #[test]
    fn other_names_are_not_ours() {
        for called in ["", "podcheck", "/usr/bin/podcheck", "target/debug/deps/conformance-0123456789abcdef", ".."] {
            assert_eq!(main_if_called(OsStr::new(called)), None, "{called}");
        }
    }
}
