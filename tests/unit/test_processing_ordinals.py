"""The small ring that OCR sees is an ordinal after numbers and n, and a degree where degrees are meant."""

import pytest

from stagekit.processing.ocr.ordinals import with_ordinals


@pytest.mark.parametrize(
    ("seen", "meant"),
    [
        ("Resolução n° 12, N.° 7 e nº 8", "Resolução nº 12, N.º 7 e nº 8"),
        ("Art. 2° A § 3°, item 4.°;", "Art. 2º A § 3º, item 4.º;"),
        ("nos termos do art. 5 °, da Lei", "nos termos do art. 5º, da Lei"),
        ("1°2°", "1º2º"),
        ("de 25 °C a 30º C e 80°F", "de 25 °C a 30° C e 80°F"),
        ("em 23º33'S, 46° 38' W", "em 23°33'S, 46° 38' W"),
        ("ângulo de 45º, giro de 180º", "ângulo de 45°, giro de 180°"),
        ("o 10° colocado e a 2ª via", "o 10º colocado e a 2ª via"),
        ("Ata da 29ªreunião e da 5°Câmara", "Ata da 29ª reunião e da 5º Câmara"),
        ("os 1ºs e as 2ªs, modelo X12ªabc", "os 1ºs e as 2ªs, modelo X12ªabc"),
        ("sem anel algum", "sem anel algum"),
    ],
)
def test_a_ring_is_told_by_what_stands_around_it(seen, meant):
    assert with_ordinals(seen) == meant
