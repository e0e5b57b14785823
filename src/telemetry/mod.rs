//! Floor 2: counters, histograms, alert rules, exposition, report.
