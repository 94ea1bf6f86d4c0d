"""Directions on the unit sphere and their distributions.

`uniform`: unrelated directions and their cosines; `vmf`: the constants of von Mises and Fisher's distribution; `saw`:
all that are symmetric about a mean direction; `fits`: their shape psi from a sample.
"""

from lib.sphere.saw import von_mises_fisher
from lib.sphere.uniform import cosine_tail, tangent_normal, uniform_directions, uniform_logpdf, uniform_pdf
from lib.sphere.vmf import vmf_concentration, vmf_log_normaliser, vmf_mean_resultant
