//! What was measured, as a table with ratios beside their aims, and as JSON.

use super::measure::Lap;
use serde_json::json;
use std::fmt::Write;

/// A ratio of two times, and what it should be.
struct Aim {
    /// What is divided by what: names and whether up or down.
    of: (&'static str, &'static str),
    up: bool,
    /// At most this, or at least.
    at_most: bool,
    bound: f64,
}

const AIMS: [Aim; 4] = [
    Aim { of: ("engine", "equipped"), up: true, at_most: true, bound: 1.5 },
    Aim { of: ("engine", "bare"), up: true, at_most: true, bound: 4.0 },
    Aim { of: ("engine", "equipped"), up: false, at_most: true, bound: 1.5 },
    Aim { of: ("containerd", "engine"), up: true, at_most: false, bound: 25.0 },
];
const OBSERVATION_AIM_MS: f64 = 1.0;
const PEAK_RSS_AIM_MIB: f64 = 64.0;

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report {
    /// Name and laps, in the order of the first lap.
    laps: Vec<(String, Vec<Lap>)>,
    /// Runtimes that were not measured, and why.
    pub skipped: Vec<(String, String)>,
    /// Each host-side observation of an engine's Pod.
    pub observation_ms: Vec<f64>,
    /// Of the benchmark itself.
    pub peak_rss_mib: Option<f64>,
}

/// Smallest, middle and largest of some times.
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Report {
    /// Takes a lap; one that does not count only fixes the order.
    pub fn add(&mut self, counts: bool, name: &str, lap: Lap) {
        match self.laps.iter_mut().find(|(known, _)| known == name) {
            Some((_, laps)) if counts => laps.push(lap),
            Some(_) => {}
            None => self.laps.push((name.to_owned(), if counts { vec![lap] } else { Vec::new() })),
        }
    }

    fn spread(&self, name: &str, up: bool) -> Option<Spread> {
        let laps = &self.laps.iter().find(|(known, _)| known == name)?.1;
        spread(laps.iter().map(|lap| if up { lap.up_ms } else { lap.down_ms }).collect())
    }

    /// Ratio of minima and of medians.
    fn ratio(&self, aim: &Aim) -> Option<[f64; 2]> {
        let (this, that) = (self.spread(aim.of.0, aim.up)?, self.spread(aim.of.1, aim.up)?);
        Some([this.min / that.min, this.median / that.median])
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = format!("{:24}{:>24}{:>30}\n", "", "up, ms", "down, ms");
        let _ = writeln!(out, "{:20}{:>4}{}", "", "n", format!("{:>10}{:>10}{:>10}", "min", "median", "max").repeat(2));
        for (name, laps) in &self.laps {
            let (Some(up), Some(down)) = (self.spread(name, true), self.spread(name, false)) else { continue };
            let _ = writeln!(out, "{name:20}{:>4}{up}{down}", laps.len());
        }
        for (name, why) in &self.skipped {
            let _ = writeln!(out, "{name:20} skipped: {why}");
        }
        let _ = writeln!(out, "\n{:34}{:>10}{:>10}   aim", "ratio of", "minima", "medians");
        for aim in &AIMS {
            let name = aim.name();
            let _ = match self.ratio(aim) {
                Some([minima, medians]) => {
                    let verdict = aim.verdict([minima, medians]);
                    writeln!(out, "{name:34}{minima:>10.2}{medians:>10.2}   {}: {verdict}", aim.bound_text())
                }
                None => writeln!(out, "{name:34}{:>20}   {}: not measured", "", aim.bound_text()),
            };
        }
        if let Some(Spread { min, median, max }) = spread(self.observation_ms.clone()) {
            let met = met(median < OBSERVATION_AIM_MS);
            let spread = format!("{min:.2} / {median:.2} / {max:.2} ms");
            let _ = writeln!(out, "\nobservation of one Pod: {spread} (aim: median < {OBSERVATION_AIM_MS} ms: {met})");
        }
        if let Some(rss) = self.peak_rss_mib {
            let met = met(rss < PEAK_RSS_AIM_MIB);
            let _ = writeln!(out, "peak memory of this process: {rss:.1} MiB (aim: < {PEAK_RSS_AIM_MIB} MiB: {met})");
        }
        out
    }

    /// For programs: every single time.
    pub fn json(&self) -> String {
        let ratios = AIMS.iter().filter_map(|aim| {
            let [minima, medians] = self.ratio(aim)?;
            Some(json!({"of": aim.name(), "minima": minima, "medians": medians, "aim": aim.bound_text()}))
        });
        let document = json!({
            "laps": self.laps.iter().map(|(name, laps)| json!({"of": name, "laps": laps})).collect::<Vec<_>>(),
            "skipped": self.skipped.iter().map(|(name, why)| json!({"of": name, "why": why})).collect::<Vec<_>>(),
            "ratios": ratios.collect::<Vec<_>>(),
            "observation_ms": self.observation_ms,
            "peak_rss_mib": self.peak_rss_mib,
        });
        format!("{document:#}\n")
    }
}

impl Aim {
    fn name(&self) -> String {
        let direction = if self.up { "up" } else { "down" };
        format!("{} {direction} / {} {direction}", self.of.0, self.of.1)
    }

    fn bound_text(&self) -> String {
        format!("{} {}", if self.at_most { "≤" } else { "≥" }, self.bound)
    }

    fn verdict(&self, ratios: [f64; 2]) -> &'static str {
        match ratios.map(|ratio| if self.at_most { ratio <= self.bound } else { ratio >= self.bound }) {
            [true, true] => "met",
            [true, false] => "met by minima only",
            [false, true] => "met by medians only",
            [false, false] => "not met",
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>10.2}{:>10.2}{:>10.2}", self.min, self.median, self.max)
    }
}

fn spread(mut times: Vec<f64>) -> Option<Spread> {
    times.sort_by(f64::total_cmp);
    let middle = times.get(times.len().saturating_sub(1) / 2)?.midpoint(*times.get(times.len() / 2)?);
    Some(Spread { min: *times.first()?, median: middle, max: *times.last()? })
}

fn met(is: bool) -> &'static str {
    if is { "met" } else { "not met" }
}
