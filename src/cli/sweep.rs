//! `podcheck sweep`: removes what killed runs left.

use super::args::SweepArgs;
use super::{Failure, Status, jobs, output};

pub(super) fn sweep(args: &SweepArgs) -> Result<Status, Failure> {
    let root = jobs::cgroup_root(args.cgroup_root.as_ref())?;
    let report = crate::host::sweep_unheld(&root).map_err(Failure::broken)?;
    output::print(&format!("{report}\n"))?;
    Ok(Status::Conforms)
}
