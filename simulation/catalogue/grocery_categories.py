"""The supermarket's categories, and which of them are bought together.

A table only: `groceries` makes the articles of it, `simulation.behaviour.groceries` the baskets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class GroceryCategory:
    """A category: how its articles are called, cost and are taxed, how often they are bought."""

    department: str
    name: str
    price: float
    vat_rate: int
    popularity: float
    unit: str
    nouns: tuple[str, ...]
    variants: tuple[str, ...]


# department|category|price|VAT|popularity|unit|nouns|variants
_TABLE: Final = """
Frutas y verduras|Fruta|2.4|4|9|KG|Manzana,Pera,Plátano,Naranja,Mandarina,Uva,Fresa|Golden,de Canarias,de mesa,extra,roja
Frutas y verduras|Verdura|2.1|4|8|KG|Tomate,Pimiento,Calabacín,Cebolla,Zanahoria,Berenjena,Brócoli|rama,verde,morado,tierno,extra
Frutas y verduras|Ensaladas y hierbas|1.6|4|4|UD|Ensalada,Canónigos,Rúcula,Perejil,Lechuga|mezclum,brotes,cuatro estaciones,iceberg
Frutas y verduras|Patatas|1.9|4|4|KG|Patata|nueva,guarnición,para freír,lavada
Frutas y verduras|Setas y frutos secos|2.9|10|2|UD|Champiñón,Setas,Nueces,Almendras,Pistachos|laminado,tostadas,sin sal,con cáscara
Carne y charcutería|Pollo y pavo|5.2|10|6|KG|Pechuga de pollo,Muslos de pollo,Filetes de pavo,Alas de pollo|fileteada,campero,limpio,adobadas
Carne y charcutería|Cerdo|5.9|10|4|KG|Lomo de cerdo,Costillas,Secreto ibérico,Solomillo de cerdo|adobado,fresco,troceado,extra
Carne y charcutería|Vacuno|10.8|10|3|KG|Filete de ternera,Carne picada,Entrecot,Redondo de ternera|primera,añojo,madurado,mixta
Carne y charcutería|Jamón y embutido|3.4|10|6|UD|Jamón serrano,Chorizo,Salchichón,Jamón cocido,Lomo embuchado|lonchas,extra,ibérico,bodega
Carne y charcutería|Salchichas y patés|1.8|10|3|UD|Salchichas,Paté,Sobrasada|Frankfurt,a las finas hierbas,de hígado,de Mallorca
Pescadería|Pescado fresco|9.4|10|3|KG|Merluza,Dorada,Salmón,Boquerón,Bacalao|limpia,ración,lomos,de estero
Pescadería|Marisco|10.9|10|1.5|KG|Gambas,Mejillones,Langostinos,Calamares|cocidos,frescos,pelados,en anillas
Pescadería|Pescado congelado|6.4|10|2|UD|Varitas de merluza,Merluza,Calamares a la romana,Bacalao|empanadas,en filetes,desalado
Lácteos y huevos|Leche|1.05|4|9|UD|Leche entera,Leche semidesnatada,Leche desnatada,Leche sin lactosa|1 l,pack 6,fresca
Lácteos y huevos|Yogures|1.7|10|7|UD|Yogur natural,Yogur griego,Bífidus,Kéfir|pack 4,con fresa,desnatado,azucarado
Lácteos y huevos|Queso|3.6|4|5|UD|Queso curado,Queso fresco,Queso rallado,Mozzarella,Queso en lonchas|de cabra,oveja,light,mezcla
Lácteos y huevos|Mantequilla y nata|2.3|10|2|UD|Mantequilla,Margarina,Nata|sin sal,para cocinar,para montar
Lácteos y huevos|Huevos|2.3|4|5|UD|Huevos|L docena,M docena,camperos,ecológicos
Lácteos y huevos|Postres|1.9|10|3|UD|Natillas,Flan,Arroz con leche,Cuajada|de huevo,vainilla,chocolate
Panadería|Pan|1.1|4|9|UD|Barra de pan,Pan de molde,Hogaza,Chapata|rústica,integral,sin corteza,de pueblo
Panadería|Bollería|2.2|10|4|UD|Magdalenas,Croissants,Ensaimadas,Napolitanas|caseras,de mantequilla,chocolate
Panadería|Galletas|1.9|10|4|UD|Galletas María,Galletas digestive,Galletas de chocolate|integrales,tostadas,rellenas
Despensa|Aceite de oliva|8.2|4|3|UD|Aceite de oliva virgen extra,Aceite de oliva suave|1 l,picual,arbequina,garrafa 3 l
Despensa|Aceite de girasol y vinagre|2.0|10|2|UD|Aceite de girasol,Vinagre|1 l,de Jerez,de manzana
Despensa|Pasta|1.3|4|4|UD|Espaguetis,Macarrones,Fideos,Lasaña|nº 5,integrales,al huevo
Despensa|Arroz|1.6|4|3|UD|Arroz redondo,Arroz largo,Arroz basmati|1 kg,bomba,integral
Despensa|Legumbres|1.5|4|3|UD|Garbanzos,Lentejas,Alubias|cocidos,pardinas,al natural
Despensa|Tomate y salsas|1.4|10|4|UD|Tomate frito,Mayonesa,Kétchup,Salsa barbacoa|casero,light,estilo casero
Despensa|Conservas de pescado|2.8|10|4|UD|Atún claro,Sardinillas,Mejillones en escabeche,Anchoas|en aceite de oliva,al natural,pack 3
Despensa|Conservas vegetales|1.5|10|3|UD|Maíz dulce,Espárragos,Aceitunas,Pimientos del piquillo|pack 3,rellenas,extra
Despensa|Sopas y caldos|1.6|10|2|UD|Caldo de pollo,Sopa de fideos,Crema de verduras|brick,casero,bajo en sal
Despensa|Harina y azúcar|1.2|4|2|UD|Harina de trigo,Azúcar,Levadura,Pan rallado|1 kg,blanca,morena,fuerza
Despensa|Sal y especias|1.3|10|1.5|UD|Sal,Pimentón,Orégano,Pimienta|fina,dulce,molida,gorda
Desayuno y dulces|Café|3.4|10|4|UD|Café molido,Cápsulas de café,Café soluble|natural,mezcla,descafeinado,intenso
Desayuno y dulces|Infusiones y cacao|2.2|10|2|UD|Manzanilla,Té verde,Cacao soluble,Poleo menta|25 bolsas,instantáneo,con limón
Desayuno y dulces|Cereales|2.6|10|3|UD|Copos de maíz,Muesli,Avena,Cereales de chocolate|integral,con frutas,familiar
Desayuno y dulces|Chocolate|1.9|10|4|UD|Chocolate negro,Chocolate con leche,Bombones,Crema de cacao|70 %,con almendras,sin azúcar
Desayuno y dulces|Caramelos|1.5|10|1.5|UD|Caramelos,Chicles,Gominolas|de menta,sin azúcar,surtidos
Desayuno y dulces|Mermelada y miel|2.3|10|2|UD|Mermelada,Miel|de fresa,de melocotón,de romero,mil flores
Aperitivos y congelados|Patatas fritas y snacks|1.7|10|5|UD|Patatas fritas,Nachos,Gusanitos,Palomitas|sal,jamón,onduladas,barbacoa
Aperitivos y congelados|Helados|3.3|10|2|UD|Helado,Polos,Tarta helada|vainilla,chocolate,nata y fresa
Aperitivos y congelados|Pizzas y platos preparados|3.2|10|4|UD|Pizza,Croquetas,Lasaña preparada,Tortilla de patatas|jamón y queso,barbacoa,con cebolla
Aperitivos y congelados|Verdura congelada|1.9|10|2|UD|Guisantes,Menestra,Judías verdes,Espinacas|1 kg,redondas,cortadas
Bebidas|Agua|0.9|10|6|UD|Agua mineral|1,5 l,pack 6,con gas,garrafa 8 l
Bebidas|Refrescos|1.5|21|6|UD|Refresco de cola,Refresco de naranja,Tónica,Té frío|2 l,sin azúcar,lata,pack 6
Bebidas|Zumos|1.5|10|3|UD|Zumo de naranja,Zumo de piña,Zumo multifrutas|1 l,sin azúcar,pack 3
Bebidas|Cerveza|3.6|21|5|UD|Cerveza,Cerveza sin alcohol,Cerveza tostada|pack 6,lata,especial
Bebidas|Vino|4.6|21|3|UD|Vino tinto,Vino blanco,Vino rosado,Cava|Rioja crianza,Ribera,Rueda,joven
Bebidas|Licores|11.9|21|1|UD|Ginebra,Ron,Whisky,Vermut|70 cl,añejo,premium,rojo
Limpieza y hogar|Detergente|6.4|21|2.5|UD|Detergente líquido,Suavizante,Detergente en cápsulas|40 lavados,azul,ropa de color
Limpieza y hogar|Limpiadores|1.9|21|3|UD|Lejía,Lavavajillas,Limpiador multiusos,Fregasuelos|limón,concentrado,con bioalcohol
Limpieza y hogar|Papel|3.6|21|4|UD|Papel higiénico,Papel de cocina,Servilletas,Pañuelos|12 rollos,doble capa,pack ahorro
Limpieza y hogar|Bolsas y film|1.7|21|2|UD|Bolsas de basura,Film transparente,Papel de aluminio|30 l,50 m,cierre fácil
Limpieza y hogar|Menaje y barbacoa|4.5|21|0.8|UD|Carbón vegetal,Pastillas de encendido,Vasos,Pilas|3 kg,50 unidades,AA
Higiene y belleza|Champú y gel|2.7|21|3|UD|Champú,Gel de ducha,Acondicionador|anticaspa,avena,hidratante
Higiene y belleza|Higiene bucal|2.3|21|2|UD|Pasta de dientes,Cepillo de dientes,Colutorio|blanqueante,medio,infantil
Higiene y belleza|Cosmética y afeitado|4.9|21|1.5|UD|Crema facial,Desodorante,Maquinillas,Crema de manos|hidratante,roll-on,piel sensible
Bebé y mascotas|Pañales|9.2|10|1.2|UD|Pañales,Toallitas|talla 3,talla 4,talla 5,sensitive
Bebé y mascotas|Alimentación infantil|2.4|10|1.2|UD|Potito,Leche de continuación,Papilla de cereales|frutas,verduras con pollo,ocho cereales
Bebé y mascotas|Comida de perro|5.2|21|1.5|UD|Pienso perro,Latas perro,Snacks perro|pollo,buey,adulto
Bebé y mascotas|Comida de gato|3.4|21|1.5|UD|Pienso gato,Latas gato,Arena de gato|atún,esterilizado,aglomerante
"""  # noqa: E501 - one row a category


def _category(line: str) -> GroceryCategory:
    department, name, price, vat, popularity, unit, nouns, variants = line.split("|")
    return GroceryCategory(
        department,
        name,
        float(price),
        int(vat),
        float(popularity),
        unit,
        tuple(nouns.split(",")),
        tuple(variants.split(",")),
    )


CATEGORIES: Final = tuple(_category(line) for line in _TABLE.strip().splitlines())
CATEGORY_NAMES: Final = tuple(category.name for category in CATEGORIES)

# Planted affinities: a basket with a mission takes a share of its lines from these categories.
MISSIONS: Final[dict[str, tuple[str, ...]]] = {
    "desayuno": ("Café", "Leche", "Galletas", "Mermelada y miel", "Mantequilla y nata"),
    "pasta": ("Pasta", "Tomate y salsas", "Queso"),
    "barbacoa": ("Cerveza", "Menaje y barbacoa", "Cerdo", "Pan", "Patatas fritas y snacks"),
    "limpieza": ("Detergente", "Limpiadores", "Papel", "Bolsas y film"),
    "repostería": ("Harina y azúcar", "Huevos", "Chocolate", "Mantequilla y nata"),
    "aperitivo": ("Conservas vegetales", "Patatas fritas y snacks", "Conservas de pescado", "Vino"),
    "cocido": ("Legumbres", "Jamón y embutido", "Verdura", "Sopas y caldos"),
    "higiene": ("Champú y gel", "Higiene bucal", "Cosmética y afeitado"),
}
MISSION_SHARE: Final = 0.6
MISSION_LINE_SHARE: Final = 0.55

# How archetypes of shoppers multiply the popularity of categories.
ARCHETYPES: Final[dict[str, dict[str, float]]] = {
    "familia con bebé": {"Pañales": 14.0, "Alimentación infantil": 14.0, "Leche": 1.6},
    "familia": {"Cereales": 2.0, "Galletas": 2.0, "Yogures": 1.5, "Zumos": 2.0, "Bollería": 1.8},
    "perro": {"Comida de perro": 16.0},
    "gato": {"Comida de gato": 16.0},
    "cocina tradicional": {"Legumbres": 3.0, "Pescado fresco": 3.0, "Vacuno": 2.0, "Verdura": 1.5},
    "sano": {"Fruta": 2.0, "Verdura": 2.0, "Ensaladas y hierbas": 3.0, "Infusiones y cacao": 2.0},
    "comodidad": {"Pizzas y platos preparados": 5.0, "Refrescos": 2.5, "Helados": 2.0},
    "sobremesa": {"Vino": 4.0, "Licores": 4.0, "Cerveza": 2.0, "Queso": 2.0, "Marisco": 3.0},
}
# Categories hardly bought by archetypes that don't name them: no baby, no nappies.
NEEDED_BY: Final = {
    "Pañales": 0.12,
    "Alimentación infantil": 0.12,
    "Comida de perro": 0.12,
    "Comida de gato": 0.12,
}
