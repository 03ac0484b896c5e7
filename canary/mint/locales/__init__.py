"""Public facts about places and names, one module a locale, for tables that give nothing to fit."""
