import pytest

import rlgen
from rlgen import registry
from rlgen.generative.adversarial import AdversarialModel
from rlgen.generative.dcgan import DCGAN
from rlgen.generative.wgan_gp import WGANGP
from rlgen.testing import check_plugin


@pytest.mark.parametrize(("name", "cls"), [("dcgan", DCGAN), ("wgan_gp", WGANGP)])
def test_every_model_keeps_the_contract(name: str, cls: type[AdversarialModel]) -> None:
    rlgen.register("generative", name)(cls)
    try:
        small = {"batch_size": 8, "filters": 4, "evaluation_samples": 20, "discriminator_updates": 1}
        check_plugin(name, data="digits", steps=4, config=small)
    finally:
        registry.unregister("generative", name)
