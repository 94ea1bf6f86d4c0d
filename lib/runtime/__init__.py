"""What every other room stands on.

`files`: where files lie, and writing them whole; `checks` of what a user gives; `devices`: processor, threads, GPU;
`tasks`: work shared out over the cores, and progress bars.  It lists no names, so that `files` and `checks` come
without torch.
"""
