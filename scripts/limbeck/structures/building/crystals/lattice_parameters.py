"""Lattice parameters that were measured at room temperature and ambient pressure, in Angstrom.

Sources:
    C: C. Kittel, Introduction to Solid State Physics, 8th ed. (2005), chapter 1.
    D: B. Schönfeld, J. J. Huang, S. C. Moss, Acta Cryst. B 39, 404 (1983).
    G: D. L. Greenaway, R. Nitsche, J. Phys. Chem. Solids 26, 1445 (1965).
    K: H. W. King, "Crystal structures and lattice parameters of allotropes of the elements",
       CRC Handbook of Chemistry and Physics.
    P: powder diffraction file of the ICDD: 29-1129 (SiC), 21-1152 (MgAl2O4), 05-0669 (ZnAl2O4),
       10-0351 (MgCr2O4), 22-1107 (ZnCr2O4), 35-0782 (LiMn2O4), 21-1276 (TiO2), 41-1445 (SnO2),
       24-0735 (MnO2), 41-1443 (MgF2).
    S: S. M. Sze, Physics of Semiconductor Devices, 2nd ed. (1981), appendix F, 300 K.
    W: R. W. G. Wyckoff, Crystal Structures, 2nd ed., vol. 1 and 2 (1963, 1964).

They are starting points that a potential will move by a percent or more, not references to
measure against: the last digit given depends on sample and thermometer.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """One compound, its elements in the order of the sites.

    ``c`` is 0 for a cubic one, both are for one whose volume is predicted.
    """

    formula: str
    prototype: str
    a: float
    c: float
    source: str


_CUBIC = {
    ("fcc", "K"): "Al 4.0496  Ca 5.5884  Ni 3.5240  Cu 3.6146  Rh 3.8032  Pd 3.8903  Ag 4.0857 "
    "Ir 3.8392  Pt 3.9236  Au 4.0782  Pb 4.9502",
    ("bcc", "K"): "Li 3.5093  Na 4.2906  K 5.321  V 3.0240  Cr 2.8847  Fe 2.8665  Rb 5.703 "
    "Nb 3.3007  Mo 3.1470  Cs 6.141  Ba 5.023  Ta 3.3031  W 3.1651",
    ("diamond", "S"): "C 3.5668  Si 5.4310  Ge 5.6461  Sn 6.4892",
    ("rocksalt", "W"): "LiF 4.0173  LiCl 5.1295  LiBr 5.5013  LiI 6.000  NaF 4.620  NaCl 5.6406 "
    "NaBr 5.9732  NaI 6.4728  KF 5.347  KCl 6.2929  KBr 6.6000  KI 7.0656  RbF 5.64  RbCl 6.581 "
    "RbBr 6.854  RbI 7.342  CsF 6.01  AgCl 5.547  AgBr 5.7745  MgO 4.2112  CaO 4.8105 "
    "SrO 5.1602  BaO 5.523  MnO 4.4448  NiO 4.1684  CdO 4.6953  MgS 5.2033  CaS 5.6903 "
    "SrS 6.0198  BaS 6.3875  PbS 5.9362  PbSe 6.1243  PbTe 6.454  TiC 4.3186  TiN 4.235",
    ("zincblende", "S"): "BN 3.6150  BP 4.5380  AlP 5.4510  AlAs 5.6605  AlSb 6.1355  GaP 5.4512 "
    "GaAs 5.6533  GaSb 6.0959  InP 5.8686  InAs 6.0584  InSb 6.4794  ZnS 5.420  CdS 5.8320 "
    "CdSe 6.050  CdTe 6.482",
    ("zincblende", "P"): "SiC 4.3589",
    ("zincblende", "W"): "CuCl 5.4057  CuBr 5.6905  CuI 6.0427  ZnSe 5.6676 ZnTe 6.1026  BeS 4.85",
    ("fluorite", "W"): "CaF2 5.4629  SrF2 5.7996  SrCl2 6.9767  BaF2 6.2001  CdF2 5.3880 "
    "CeO2 5.4110  ThO2 5.5997  UO2 5.4682",
    ("perovskite", "W"): "SrTiO3 3.9051  BaZrO3 4.1929  BaSnO3 4.1168  KTaO3 3.9885  KMgF3 3.973 "
    "KMnF3 4.190  KCoF3 4.069  KNiF3 4.012  KZnF3 4.055",
    ("spinel", "P"): "MgAl2O4 8.0831  ZnAl2O4 8.0848  MgCr2O4 8.333  ZnCr2O4 8.3275 LiMn2O4 8.2476",
    ("cesium_chloride", "W"): "CsCl 4.123  CsI 4.5667  TlCl 3.8340",
    ("cesium_chloride", "C"): "TlBr 3.97  BeCu 2.70  NiAl 2.88  MgAg 3.28",
    ("antifluorite", "W"): "Li2O 4.619  Li2S 5.708  Li2Se 6.005  Na2O 5.55  Na2S 6.526 "
    "Na2Se 6.809  Na2Te 7.314  K2O 6.436  K2S 7.391  K2Se 7.676  K2Te 8.152  Rb2O 6.74 "
    "Mg2Ge 6.378  Mg2Sn 6.765",
}
_WITH_C = {
    ("hcp", "K"): "Be 2.2859 3.5845  Mg 3.2094 5.2107  Sc 3.3088 5.2680  Ti 2.9503 4.6836 "
    "Co 2.5071 4.0694  Zn 2.6650 4.9470  Y 3.6482 5.7318  Zr 3.2316 5.1475  Ru 2.7058 4.2816 "
    "Cd 2.9793 5.6196  Hf 3.1946 5.0510  Re 2.7608 4.4580  Os 2.7344 4.3173",
    ("wurtzite", "S"): "GaN 3.189 5.185  ZnS 3.82 6.26  CdS 4.16 6.756",
    ("wurtzite", "W"): "BeO 2.698 4.380  AlN 3.111 4.978  InN 3.533 5.693  ZnO 3.2495 5.2069 "
    "CdSe 4.30 7.02",
    (
        "rutile",
        "P",
    ): "TiO2 4.5933 2.9592  SnO2 4.7382 3.1871  MnO2 4.3999 2.8740 MgF2 4.6200 3.0509",
    (
        "nickel_arsenide",
        "W",
    ): "NiAs 3.602 5.009  NiSb 3.94 5.14  NiTe 3.957 5.354 "
    "CoSb 3.866 5.188  CoTe 3.886 5.360  MnTe 4.1429 6.7031  CrSb 4.108 5.440 "
    "PtSb 4.130 5.472  PdSb 4.070 5.582  AuSn 4.314 5.512",
    ("dichalcogenide_2h", "D"): "MoS2 3.1602 12.294",
    ("dichalcogenide_1t", "G"): "ZrS2 3.662 5.813  ZrSe2 3.770 6.138  HfS2 3.635 5.837 "
    "HfSe2 3.748 6.159  SnS2 3.639 5.868  SnSe2 3.811 6.137",
    ("dichalcogenide_1t", "W"): "CdI2 4.24 6.84",
}


def _read() -> list[Entry]:
    entries = []
    for (prototype, source), text in _CUBIC.items():
        words = text.split()
        for formula, a in zip(words[::2], words[1::2], strict=True):
            entries.append(Entry(formula, prototype, float(a), 0.0, source))
    for (prototype, source), text in _WITH_C.items():
        words = text.split()
        for formula, a, c in zip(words[::3], words[1::3], words[2::3], strict=True):
            entries.append(Entry(formula, prototype, float(a), float(c), source))
    return entries


TABLE = _read()
