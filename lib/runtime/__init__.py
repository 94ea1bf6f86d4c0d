"""Files, processors and checks: what every other room stands on."""
