"""Words of Spanish addresses: types of street, floors, doors, in four languages and their abbreviations.

Belongs here: vocabulary. Does not: how an address is taken apart (`addresses`).
"""

from __future__ import annotations

# Each meaning with how it is written: folded (no accents), without points and strokes. An underscore
# is a blank, with or without a point before it.
STREET_TYPES: dict[str, str] = {
    "Calle": "calle cl cll c cº cª carrer carr cr rua kalea kl calles",
    "Avenida": "avenida avda avd avgda avinguda av avnda avenda ave avª etorbidea etorb avenguda aven",
    "Plaza": "plaza pza plz plza pl pz placa plaça plç praza plazuela plazoleta placeta enparantza pzª",
    "Paseo": "paseo pso ps pseo pº psº passeig pg psg pasealekua pas paseig",
    "Carretera": "carretera ctra crta crtra ctera ct crt ctrª errepidea estrada",
    "Camino": "camino cmno cno cmo cam cami camiño cn bidea camin cñ",
    "Ronda": "ronda rda rd rnda",
    "Travesía": "travesia trva trav trv travesera travessera travessia tr trvª trvsia traviesa zeharkalea",
    "Pasaje": "pasaje psje pje passatge ptge psj pasadizo pasaxe pasabidea pjs",
    "Urbanización": "urbanizacion urb urbanitzacio urbaniz urbz urban",
    "Polígono": "poligono_industrial poligon_industrial pol_industrial pol_ind pg_ind poligono poligon "
    "poligonoa pgno polig pol p_ind p_i pi",
    "Barrio": "barrio bº bo barri auzoa brº",
    "Barriada": "barriada bda brda bª",
    "Glorieta": "glorieta gta glta",
    "Rambla": "rambla rbla rambl rbl ramblas",
    "Cuesta": "cuesta cta csta aldapa costera",
    "Callejón": "callejon cjon callejuela cjla carrero callizo cllon calleja cja",
    "Alameda": "alameda almda alda alam albereda",
    "Bulevar": "bulevar blvr blvd boulevard bvar bulebarra",
    "Parque": "parque pque pqe parc parkea",
    "Partida": "partida ptda pda partd",
    "Lugar": "lugar lg",
    "Aldea": "aldea",
    "Diseminado": "diseminado dise dis diss disem",
    "Caserío": "caserio csrio baserria",
    "Colonia": "colonia clna",
    "Grupo": "grupo gpo grup",
    "Vereda": "vereda vrda",
    "Sendero": "sendero senda sda",
    "Vía": "via",
    "Subida": "subida sbida pujada",
    "Bajada": "bajada bjda baixada",
    "Paraje": "paraje prje",
    "Finca": "finca fca",
    "Carril": "carril crril",
    "Cañada": "cañada cñada",
    "Muelle": "muelle mlle moll",
    "Residencial": "residencial resid rsd",
    "Conjunto": "conjunto cjto",
    "Costanilla": "costanilla cstan",
    "Corredera": "corredera crra corredoira",
    "Vial": "vial",
    "Autovía": "autovia",
    "Explanada": "explanada expl",
    "Jardín": "jardin jardines jdin jdines",
    "Riera": "riera",
    "Torrente": "torrente torrent",
}
# Basque types stand after the name.
TYPES_AFTER: dict[str, str] = {
    "kalea": "Calle", "etorbidea": "Avenida", "enparantza": "Plaza", "plaza": "Plaza", "bidea": "Camino",
    "pasealekua": "Paseo", "zeharkalea": "Travesía", "hiribidea": "Avenida", "auzoa": "Barrio",
    "errepidea": "Carretera", "ibilbidea": "Paseo", "aldapa": "Cuesta",
}  # fmt: skip
FLOORS: dict[str, str] = {
    "Bajo": "planta_baja plta_baja pl_baja baja bajos bajo bjo baixos baixo baix bxos bj bjs pb p_b bº "
    "baxo behea",
    "Sobreático": "sobreatico sobreatic satico sat s_atico",
    "Ático": "atico atic atc atº at ato",
    "Entresuelo": "entresuelo entlo entresol entl ents entrl etlo entreplanta entpl entº ent en",
    "Principal": "principal pral ppal prpal pr prl",
    "Semisótano": "semisotano ssotano semis ssot ss",
    "Sótano": "sotano sot soterrani",
}
FLOOR_WORDS: dict[str, str] = {
    "primero": "1", "primer": "1", "primera": "1", "segundo": "2", "segunda": "2", "tercero": "3",
    "tercer": "3", "tercera": "3", "cuarto": "4", "cuarta": "4", "quinto": "5", "quinta": "5",
    "sexto": "6", "sexta": "6", "septimo": "7", "septima": "7", "octavo": "8", "octava": "8",
    "noveno": "9", "novena": "9", "decimo": "10", "decima": "10",
}  # fmt: skip
DOORS: dict[str, str] = {
    "izquierda": "izquierda izquda izqda izqd izda izqu izq izd iz esquerra esq ezkerra ezk ezkr",
    "derecha": "derecha drcha dcha dch dcho dxa dta dreta dereita dr der eskuina esk",
    "centro": "centro ctro cto cent cen centre erdia",
    "exterior": "exterior ext extr",
    "interior": "interior intr int",
}
BLOCKS: dict[str, str] = {
    "Bloque": "bloque blque blq bloc bq blo bl blk",
    "Portal": "portal ptal prtal por atari ataria",
    "Edificio": "edificio edific edif edifici edf ed",
    "Torre": "torre trre",
    "Nave": "nave nau",
    "Parcela": "parcela parc",
    "Chalet": "chalet chale xalet ch",
    "Local": "local loc lcal",
    "Oficina": "oficina ofic of",
    "Apartamento": "apartamento apto aptdo apart apt",
    "Casa": "casa",
    "Fase": "fase",
    "Manzana": "manzana mza",
    "Módulo": "modulo mod",
}
STAIRCASES = "escalera escal esca escl esc"
DOOR_LABELS = "puerta pta prta puer porta pt ptª atea letra ltra let lt vivienda viv pu"
FLOOR_LABELS = "planta plta plant piso pis pso pl solairua"
