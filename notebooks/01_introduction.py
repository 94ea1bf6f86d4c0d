# %% [markdown]
# # 1. Introduction
