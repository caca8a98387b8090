"""The same iterations and faults, sent to several copies of an app in turn."""
