"""The scenarios that come with mprunner; they use nothing that another plugin could not use."""
