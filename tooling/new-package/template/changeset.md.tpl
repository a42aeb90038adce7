---
'@ockham/__name__': minor
---

First release of `@ockham/__name__`: `__fn__` rounds the kernels of a model to few levels, at random and without bias.
