//! The runtime's daemon is restarted under the Pod.

use super::live::Live;
use crate::judge::{self, Check, StepContext};

impl Live {
    /// Restarts it, and judges that every member is what it was.
    pub(super) fn restart_daemon(&mut self, context: &StepContext<'_>) -> Result<Vec<Check>, String> {
        let before = self.observe()?.whole;
        let up = self.ups.first_mut().ok_or("no Pod is up")?;
        up.kubelet.pod_mut().restart_daemon().map_err(|error| error.to_string())?;
        let after = self.observe()?.whole;
        let mut checks = judge::unmoved(context, &before, &after);
        let reported = self.reported()?;
        for (name, life) in self.lives()? {
            let seen = reported.get(&name).map_or("nothing", |reported| reported.state.as_str());
            let context = StepContext { member: &name, ..*context };
            let runs = life.now == crate::kubelet::Now::Running;
            if runs || seen == "running" {
                checks.push(judge::outcome(
                    &context,
                    "said to be running",
                    &format!("said to be {seen}"),
                    runs && seen == "running",
                ));
            }
        }
        Ok(checks)
    }
}
