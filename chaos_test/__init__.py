"""The command `chaos-test`: run an experiment, rebuild a report, open the web UI. Nothing else imports it."""
