//! `podcheck doctor`: what this machine can do and which runtimes are here.

use super::{Failure, Status, output};
use crate::trial;

pub(super) fn doctor() -> Result<Status, Failure> {
    let host = trial::host_record();
    let mut text = format!("kernel {}, cgroup {}\n\n", host.kernel, host.cgroup);
    let is_static = cfg!(target_feature = "crt-static");
    if !is_static {
        text.push_str(
            "podcheck is not statically linked, so it cannot pack itself into images: build it with `cargo build` in its \
             own folder and without RUSTFLAGS\n\n",
        );
    }
    let (here, missing) = trial::here();
    for name in &here {
        text.push_str(&format!("  ✓ {name}\n"));
    }
    for (name, reason) in &missing {
        text.push_str(&format!("  ✗ {name}: {reason}\n"));
    }
    text.push('\n');
    for (name, ability) in &host.abilities {
        let mark = if ability.present { '✓' } else { '✗' };
        text.push_str(&format!("  {mark} {name:<20} {}\n", ability.reason));
    }
    output::print(&text)?;
    Ok(if is_static && !here.is_empty() { Status::Conforms } else { Status::Broken })
}
