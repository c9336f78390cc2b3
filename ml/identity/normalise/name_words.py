"""Words of Spanish names: particles, titles, abbreviations, nicknames, what no name is.

Belongs here: vocabulary. Does not: how a name is taken apart (`names`).
"""

from __future__ import annotations

# They bind to the word after them.
PARTICLES = frozenset(
    "de del la las los el y i e da do das dos di van von der den ter ten al".split()  # noqa: SIM905
)
# Those of them that are written small within a name; El Amrani keeps its capital.
SMALL_PARTICLES = PARTICLES - {"el", "al"}
CONJUNCTIONS = frozenset({"y", "i", "e"})
# What may be a surname or the first half of one: San Martín, Santa Cruz, Ben Ahmed.
FIRST_HALVES = frozenset(
    "san santa santo sant sta saint ben bin ibn lo le du".split()  # noqa: SIM905
)
TITLES = frozenset(
    [
        "don",
        "doña",
        "dña",
        "dª",
        "dn",
        "sr",
        "sra",
        "srta",
        "dr",
        "dra",
        "mr",
        "mrs",
        "ms",
        "miss",
        "sr/sra",
        "d/dª",
        "sres",
        "señor",
        "señora",
        "señorita",
    ]
)
ABBREVIATIONS = {
    "mª": "María", "m.ª": "María", "mº": "María", "m.a": "María", "fco": "Francisco",
    "fcº": "Francisco",
    "frco": "Francisco", "fsco": "Francisco", "fca": "Francisca", "fcª": "Francisca", "ant": "Antonio",
    "antº": "Antonio", "jse": "José", "gpe": "Guadalupe", "sta": "Santa", "sto": "Santo",
    "mtnez": "Martínez", "mtez": "Martínez", "mrtnez": "Martínez", "mnez": "Martínez", "glez": "González",
    "gzlez": "González", "gnzlez": "González", "gonzlez": "González", "glz": "González",
    "rguez": "Rodríguez", "rdguez": "Rodríguez", "rodgz": "Rodríguez", "rdgz": "Rodríguez",
    "rodguez": "Rodríguez", "fdez": "Fernández", "fernz": "Fernández", "fndez": "Fernández",
    "frnandez": "Fernández", "hdez": "Hernández", "hrdez": "Hernández", "hernz": "Hernández",
    "gcia": "García", "grcia": "García", "gª": "García", "gcía": "García", "dguez": "Domínguez",
    "domgz": "Domínguez", "jmnez": "Jiménez", "jmez": "Jiménez", "jimnz": "Jiménez", "gnez": "Giménez",
    "schez": "Sánchez", "snchez": "Sánchez", "sanchz": "Sánchez", "snchz": "Sánchez", "lpez": "López",
    "lpz": "López", "prez": "Pérez", "gmez": "Gómez", "gmz": "Gómez", "vzquez": "Vázquez",
    "vquez": "Vázquez", "vqez": "Vázquez", "alvz": "Álvarez", "alvrez": "Álvarez", "gtrrez": "Gutiérrez",
    "gutrez": "Gutiérrez", "gtez": "Gutiérrez", "mdez": "Méndez", "rmrez": "Ramírez", "mñoz": "Muñoz",
}  # fmt: skip
# Nicknames and short forms, folded, with the name that they stand for.
NICKNAMES = {
    "montse": "montserrat", "yoly": "yolanda",
    "agus": "agustin", "agusti": "agustin", "albert": "alberto", "alejo": "alejandro",
    "alex": "alejandro", "alexandre": "alejandro", "ana mari": "ana maria",
    "anabel": "ana isabel", "ander": "andres", "andoni": "antonio", "andreu": "andres",
    "angelines": "maria angeles", "ani": "ana", "anita": "ana", "anna": "ana",
    "antoni": "antonio", "antonieta": "antonia", "antonito": "antonio", "ascen": "ascension",
    "asun": "asuncion", "bea": "beatriz", "beli": "isabel", "benja": "benjamin",
    "bernat": "bernardo", "berni": "bernardo", "berto": "alberto", "beto": "alberto",
    "biel": "gabriel", "boro": "salvador", "carles": "carlos", "carlitos": "carlos",
    "carme": "carmen", "carmela": "carmen", "carmencita": "carmen", "carmina": "carmen",
    "cesc": "francisco", "chari": "rosario", "charito": "rosario", "charly": "carlos",
    "charo": "rosario", "chelo": "consuelo", "chema": "jose maria", "chente": "vicente",
    "chepe": "jose", "chimo": "joaquin", "chus": "maria jesus", "concha": "concepcion",
    "conchi": "concepcion", "conchita": "concepcion", "cris": "cristina", "curro": "francisco",
    "dani": "daniel", "davi": "david", "dolors": "dolores", "edu": "eduardo", "eduard": "eduardo",
    "elenita": "elena", "eli": "elisabet", "elisabeth": "elisabet", "elizabeth": "elisabet",
    "encarna": "encarnacion", "encarni": "encarnacion", "enric": "enrique", "espe": "esperanza",
    "euge": "eugenia", "eugeni": "eugenio", "fede": "federico", "fer": "fernando",
    "ferran": "fernando", "fina": "josefa", "fran": "francisco", "francesc": "francisco",
    "gabi": "gabriel", "geles": "maria angeles", "gema": "gemma", "gonza": "gonzalo",
    "goyo": "gregorio", "gregori": "gregorio", "guille": "guillermo", "guillem": "guillermo",
    "helena": "elena", "ignasi": "ignacio", "inaki": "ignacio", "inma": "inmaculada",
    "isa": "isabel", "iñaki": "ignacio", "jandro": "alejandro",
    "jaume": "jaime", "javi": "javier", "jesusin": "jesus", "joan": "juan", "joaqui": "joaquin",
    "joaquim": "joaquin", "jon": "juan", "jordi": "jorge", "jose m": "jose maria",
    "jose mari": "jose maria", "jose toni": "jose antonio", "josean": "jose antonio",
    "joseba": "jose", "josefina": "josefa", "joselu": "jose luis", "josema": "jose maria",
    "josemari": "jose maria", "josemi": "jose miguel", "josep": "jose", "josu": "jesus",
    "joxe": "jose", "juan fran": "juan francisco", "juancar": "juan carlos",
    "juanfran": "juan francisco", "juanito": "juan", "juanjo": "juan jose",
    "juanma": "juan manuel", "juanmi": "juan miguel", "kepa": "pedro", "kike": "enrique",
    "kiko": "francisco", "koldo": "luis", "lalo": "eduardo", "lena": "elena", "leo": "leonardo",
    "lluis": "luis", "lola": "dolores", "lole": "dolores", "loli": "dolores", "lolita": "dolores",
    "lolo": "manuel", "lore": "lorena", "loren": "lorenzo", "luisito": "luis",
    "lupe": "guadalupe", "magda": "magdalena", "mai carmen": "carmen", "maite": "maria teresa",
    "majo": "maria jose", "mamen": "carmen", "manel": "manuel", "manola": "manuela",
    "manoli": "manuela", "manolo": "manuel", "manu": "manuel", "marc": "marcos",
    "marga": "margarita", "margot": "margarita", "mari": "maria", "mari carmen": "carmen",
    "mari tere": "maria teresa", "mariajo": "maria jose", "marian": "maria angeles",
    "mariangeles": "maria angeles", "maribel": "maria isabel", "maricarmen": "carmen",
    "marieta": "maria", "marigel": "maria angeles", "marijose": "maria jose",
    "mariluz": "maria luz", "mariquita": "maria", "marisa": "maria luisa",
    "marivi": "maria victoria", "martha": "marta", "marti": "martin", "maruja": "maria",
    "mary": "maria", "mateu": "mateo", "mati": "matilde", "maxi": "maximiliano",
    "mayte": "maria teresa", "menchu": "carmen", "merce": "mercedes", "merche": "mercedes",
    "merchi": "mercedes", "migue": "miguel", "mikel": "miguel", "mila": "milagros",
    "mingo": "domingo", "miquel": "miguel", "mon": "ramon", "moncho": "ramon", "moni": "monica",
    "nacho": "ignacio", "nando": "fernando", "nati": "natividad", "nico": "nicolas",
    "nicolau": "nicolas", "nines": "maria angeles", "nuri": "nuria", "olgui": "olga",
    "paca": "francisca", "pacho": "francisco", "paco": "francisco", "pako": "francisco",
    "paqui": "francisca", "paquita": "francisca", "patri": "patricia", "patxi": "francisco",
    "pau": "pablo", "pep": "jose", "pepa": "josefa", "pepe": "jose", "pepelu": "jose luis",
    "pepi": "josefa", "pepita": "josefa", "pere": "pedro", "perico": "pedro", "periko": "pedro",
    "pilarin": "pilar", "pili": "pilar", "puri": "purificacion", "quim": "joaquin",
    "quino": "joaquin", "quique": "enrique", "rafa": "rafael", "rafi": "rafaela",
    "rafita": "rafael", "ramonchu": "ramon", "raque": "raquel", "raulito": "raul",
    "reme": "remedios", "richi": "ricardo", "ricky": "ricardo", "rober": "roberto",
    "robert": "roberto", "rosa mari": "rosa maria", "rosi": "rosa", "rosita": "rosa",
    "salva": "salvador", "santi": "santiago", "sarah": "sara", "sebas": "sebastian",
    "sergi": "sergio", "silvi": "silvia", "sole": "soledad", "susi": "susana", "suso": "jesus",
    "teo": "teodoro", "tere": "teresa", "teresita": "teresa", "tiago": "santiago",
    "tina": "cristina", "tito": "alberto", "tomeu": "bartolome", "toni": "antonio",
    "tonio": "antonio", "tono": "antonio", "toña": "antonia", "toñi": "antonia",
    "toño": "antonio", "trini": "trinidad", "txomin": "domingo", "txus": "jesus",
    "valen": "valentin", "vane": "vanesa", "vanessa": "vanesa", "vero": "veronica",
    "vicen": "vicente", "vicent": "vicente", "vicky": "victoria", "visi": "visitacion",
    "vito": "victor", "voro": "salvador", "xaime": "jaime", "xavi": "javier", "xavier": "javier",
    "ximo": "joaquin", "xisco": "francisco", "xoan": "juan", "xurxo": "jorge", "yago": "santiago",
    "yoli": "yolanda",
}  # fmt: skip
# María before one of these is mostly left out: María del Carmen is Carmen.
AFTER_MARIA = frozenset(
    [
        "carmen",
        "angeles",
        "dolores",
        "pilar",
        "teresa",
        "luisa",
        "isabel",
        "rosario",
        "mercedes",
        "concepcion",
        "josefa",
        "antonia",
        "victoria",
        "cristina",
        "elena",
        "jesus",
        "belen",
        "luz",
        "soledad",
        "paz",
        "nieves",
        "montserrat",
        "consuelo",
        "encarnacion",
        "rosa",
        "eugenia",
        "esperanza",
        "amparo",
        "inmaculada",
        "remedios",
        "asuncion",
        "cruz",
        "begona",
        "begoña",
        "lourdes",
        "fatima",
        "angel",
        "olga",
        "francisca",
        "manuela",
        "ascension",
        "milagros",
        "magdalena",
        "purificacion",
        "yolanda",
        "rocio",
        "gloria",
        "auxiliadora",
        "nuria",
        "julia",
        "trinidad",
        "guadalupe",
        "mar",
    ]
)
PLACEHOLDERS = frozenset(
    [
        "desconocido",
        "desconocida",
        "ninguno",
        "ninguna",
        "test",
        "prueba",
        "pruebas",
        "anonimo",
        "anonima",
        "xxx",
        "xx",
        "xxxx",
        "aaa",
        "aaaa",
        "asdf",
        "qwerty",
        "null",
        "none",
        "nan",
    ]
)
PLACEHOLDER_PHRASES = frozenset(
    {"sin nombre", "no consta", "no disponible", "no facilitado", "cliente contado", "cliente anonimo",
     "sin datos", "sin apellidos", "sin apellido", "no tiene", "por determinar", "a determinar", "nombre",
     "apellido", "apellidos", "nombre apellidos", "cliente web", "cliente tienda", "publico general",
     "consumidor final", "varios"}
)  # fmt: skip
COMPANY_FORMS = (
    r"s\.\s?l\.?|s\.\s?a\.?|s\.\s?l\.\s?u\.?|s\.\s?a\.\s?u\.?|s\.\s?l\.\s?l\.?|s\.\s?l\.\s?p\.?|s\.\s?c\.?|c\.\s?b\.?"
    r"|s\.\s?coop\.?(?:\s?and\.?|\s?v\.?)?|sociedad limitada|sociedad anonima|sociedad cooperativa"
    r"|comunidad de bienes|s\.\s?r\.\s?l\.?|s\.\s?l\.\s?n\.\s?e\.?"
)
BARE_COMPANY_FORMS = "sl slu sll slp slne sa sau sal scoop srl gmbh ltd llc inc sarl aie ute cb sc"
COMPANY_WORDS = frozenset(
    [
        "ayuntamiento",
        "asociacion",
        "fundacion",
        "talleres",
        "restaurante",
        "hotel",
        "construcciones",
        "transportes",
        "cooperativa",
        "inmobiliaria",
        "asesoria",
        "comercial",
        "distribuciones",
        "suministros",
        "servicios",
        "instalaciones",
        "promociones",
        "inversiones",
        "hostal",
        "panaderia",
        "farmacia",
        "clinica",
        "colegio",
        "instituto",
        "universidad",
        "hermanos",
        "autoescuela",
        "excavaciones",
        "logistica",
        "consulting",
        "ingenieria",
        "gestoria",
        "peluqueria",
        "ferreteria",
        "parroquia",
        "diputacion",
        "consejeria",
        "hospital",
        "cafeteria",
        "supermercados",
        "muebles",
        "electricidad",
        "fontaneria",
    ]
)
COMPANY_STARTS = (
    "comunidad de propietarios",
    "com prop",
    "c p ",
    "cdad prop",
    "cdad propietarios",
    "junta de",
    "excmo ayuntamiento",
    "herederos de",
    "hermanos ",
)
# A part of a name without any of these is a person's.
SUSPICIOUS = (
    PLACEHOLDERS
    | COMPANY_WORDS
    | frozenset(BARE_COMPANY_FORMS.split())
    | frozenset(word for phrase in PLACEHOLDER_PHRASES for word in phrase.split())
    | frozenset(start.split(" ")[0] for start in COMPANY_STARTS)
    | frozenset({"sociedad", "limitada", "anonima", "bienes"})
)
TO_WRITE_OUT = TITLES | frozenset(ABBREVIATIONS)
