"""The report's own words in every language it can be written in. The crew's prose comes from the drafts, labels of figures from the fact sheet."""

from crew.domain.analysis import Language

_LANGUAGES: tuple[Language, ...] = ("en", "pt-BR", "es")

_WORDS: dict[str, tuple[str, str, str]] = {
    "strong_buy": ("Strong buy", "Compra forte", "Compra fuerte"),
    "buy": ("Buy", "Compra", "Compra"),
    "hold": ("Hold", "Manter", "Mantener"),
    "sell": ("Sell", "Venda", "Venta"),
    "strong_sell": ("Strong sell", "Venda forte", "Venta fuerte"),
    "not_rated": ("Not rated", "Sem classificação", "Sin calificación"),
    "agree": ("The crew agrees", "A equipe concorda", "El equipo coincide"),
    "one_notch_up": ("The crew sees it one notch higher", "A equipe vê um nível acima", "El equipo lo ve un nivel más arriba"),
    "one_notch_down": ("The crew sees it one notch lower", "A equipe vê um nível abaixo", "El equipo lo ve un nivel más abajo"),
    "value": ("Value", "Valor", "Valor"),
    "quality": ("Quality", "Qualidade", "Calidad"),
    "growth": ("Growth", "Crescimento", "Crecimiento"),
    "momentum": ("Momentum", "Momento", "Momento"),
    "safety": ("Safety", "Segurança", "Seguridad"),
    "summary": ("Summary", "Resumo", "Resumen"),
    "thesis": ("What carries the case", "O que sustenta o caso", "Lo que sostiene el caso"),
    "change_our_mind": ("What would change our mind", "O que mudaria nossa opinião", "Qué cambiaría nuestra opinión"),
    "business": ("Business", "Negócio", "Negocio"),
    "events": ("What happened", "O que aconteceu", "Qué ha pasado"),
    "catalysts": ("Catalysts", "Catalisadores", "Catalizadores"),
    "risks": ("Risks", "Riscos", "Riesgos"),
    "profitability": ("Profitability", "Rentabilidade", "Rentabilidad"),
    "balance_sheet": ("Balance sheet", "Balanço", "Balance"),
    "cash_flow": ("Cash flow", "Fluxo de caixa", "Flujo de caja"),
    "valuation": ("Valuation", "Avaliação", "Valoración"),
    "trend": ("Trend", "Tendência", "Tendencia"),
    "volatility": ("Volatility", "Volatilidade", "Volatilidad"),
    "levels": ("Levels", "Níveis", "Niveles"),
    "as_of": ("As of", "Em", "A fecha de"),
    "rating": ("Rating", "Classificação", "Calificación"),
    "rating_note": ("computed from the scorecard", "calculada pelo placar", "calculada a partir del cuadro de puntuación"),
    "crew_view": ("The crew's view", "A visão da equipe", "La opinión del equipo"),
    "no_view": ("The crew recorded no view of its own.", "A equipe não registrou visão própria.", "El equipo no registró opinión propia."),
    "dissent": ("differs from the rating", "difere da classificação", "difiere de la calificación"),
    "key_figures": ("Key figures", "Números principais", "Cifras clave"),
    "arguments": ("The case on both sides", "Os dois lados do caso", "Los dos lados del caso"),
    "bull": ("For", "A favor", "A favor"),
    "bear": ("Against", "Contra", "En contra"),
    "none": ("None passed verification.", "Nenhum passou na verificação.", "Ninguno superó la verificación."),
    "wrong_if": ("Wrong if", "Errado se", "Erróneo si"),
    "tripwire": ("Tripwire", "Sinal de alerta", "Señal de alarma"),
    "below": ("is below", "ficar abaixo de", "baja de"),
    "at_most": ("is at most", "for no máximo", "es como máximo"),
    "above": ("is above", "ficar acima de", "supera"),
    "at_least": ("is at least", "for no mínimo", "es como mínimo"),
    "now": ("now", "agora", "ahora"),
    "strength": ("Strength", "Força", "Fuerza"),
    "scorecard": ("Scorecard", "Placar", "Cuadro de puntuación"),
    "pillar": ("Pillar", "Pilar", "Pilar"),
    "score": ("Score", "Pontos", "Puntos"),
    "rule": ("Rule", "Regra", "Regla"),
    "points": ("Points", "Pontos", "Puntos"),
    "seen": ("Figures seen", "Números vistos", "Cifras vistas"),
    "total": ("Total", "Total", "Total"),
    "no_score": ("no score", "sem pontos", "sin puntos"),
    "scenarios": ("Valuation scenarios", "Cenários de avaliação", "Escenarios de valoración"),
    "scenario": ("Scenario", "Cenário", "Escenario"),
    "probability": ("Probability", "Probabilidade", "Probabilidad"),
    "drivers": ("Drivers", "Premissas", "Supuestos"),
    "per_share": ("Value per share", "Valor por ação", "Valor por acción"),
    "case_bear": ("Bear", "Pessimista", "Pesimista"),
    "case_base": ("Base", "Base", "Base"),
    "case_bull": ("Bull", "Otimista", "Optimista"),
    "sensitivity": ("Sensitivity of the value per share", "Sensibilidade do valor por ação", "Sensibilidad del valor por acción"),
    "sensitivity_note": (
        "The discounted cash flow computed anew for each pair of rates; with the rates assumed it gives",
        "O fluxo de caixa descontado recalculado para cada par de taxas; com as taxas assumidas resulta em",
        "El flujo de caja descontado recalculado para cada par de tasas; con las tasas supuestas da",
    ),
    "discount_rate": ("Discount rate", "Taxa de desconto", "Tasa de descuento"),
    "terminal_growth": ("Terminal growth", "Crescimento terminal", "Crecimiento terminal"),
    "football": ("Where the estimates lie", "Onde estão as estimativas", "Dónde están las estimaciones"),
    "last_price": ("Last price", "Último preço", "Último precio"),
    "range_52w": ("52-week range", "Faixa de 52 semanas", "Rango de 52 semanas"),
    "analyst_targets": ("Analysts' targets", "Preços-alvo de analistas", "Objetivos de analistas"),
    "dcf_range": ("DCF, one step each way", "FCD, um passo ao lado", "DCF, un paso al lado"),
    "price_chart": ("Price and moving averages", "Preço e médias móveis", "Precio y medias móviles"),
    "drawdown_chart": ("Drawdown", "Queda desde o pico", "Caída desde máximos"),
    "performance_chart": ("Total return against the benchmark", "Retorno total contra a referência", "Rentabilidad total frente a la referencia"),
    "income_chart": ("Revenue and net income", "Receita e lucro líquido", "Ingresos y beneficio neto"),
    "revenue": ("Revenue", "Receita", "Ingresos"),
    "net_income": ("Net income", "Lucro líquido", "Beneficio neto"),
    "table_years": ("Fiscal years", "Exercícios fiscais", "Ejercicios fiscales"),
    "table_years_note": (
        "Latest: the last twelve months, and the balance sheet of their last day.",
        "Mais recente: os últimos doze meses e o balanço do seu último dia.",
        "Último: los últimos doce meses y el balance de su último día.",
    ),
    "table_quarters": ("Quarters", "Trimestres", "Trimestres"),
    "table_quarters_note": (
        "Named after the calendar quarter in which they end; growth is against the same quarter a year before.",
        "Com o nome do trimestre civil em que terminam; o crescimento é sobre o mesmo trimestre do ano anterior.",
        "Con el nombre del trimestre natural en que terminan; el crecimiento es frente al mismo trimestre del año anterior.",
    ),
    "table_returns": ("Returns and risk", "Retornos e risco", "Rentabilidades y riesgo"),
    "table_multiples": ("Multiples against their own history", "Múltiplos frente ao próprio histórico", "Múltiplos frente a su propia historia"),
    "table_multiples_note": (
        "Each past year at the close of the day its statements were known.",
        "Cada ano passado ao fechamento do dia em que suas demonstrações eram conhecidas.",
        "Cada año pasado al cierre del día en que se conocían sus cuentas.",
    ),
    "table_peers": ("Peers", "Pares", "Comparables"),
    "table_analysts": ("What analysts say", "O que dizem os analistas", "Lo que dicen los analistas"),
    "period_ended": ("Period ended", "Período encerrado em", "Período terminado el"),
    "latest": ("Latest", "Mais recente", "Último"),
    "today": ("Today", "Hoje", "Hoy"),
    "median": ("Median", "Mediana", "Mediana"),
    "against_median": ("Against the median", "Frente à mediana", "Frente a la mediana"),
    "figures_in_full": ("Figures in full", "Números completos", "Cifras completas"),
    "data_quality": ("Data quality", "Qualidade dos dados", "Calidad de los datos"),
    "read_first": ("Read this first", "Leia isto primeiro", "Lea esto primero"),
    "serious": ("Serious", "Grave", "Grave"),
    "warning": ("Warning", "Atenção", "Atención"),
    "info": ("Note", "Nota", "Nota"),
    "coverage": ("Coverage", "Cobertura", "Cobertura"),
    "figures": ("Figures", "Números", "Cifras"),
    "missing": ("Missing", "Ausentes", "Ausentes"),
    "oldest": ("Oldest datum", "Dado mais antigo", "Dato más antiguo"),
    "newest": ("Newest datum", "Dado mais recente", "Dato más reciente"),
    "gaps": ("What could not be had", "O que não foi possível obter", "Lo que no se pudo obtener"),
    "reason": ("Reason", "Motivo", "Motivo"),
    "withheld": ("Withheld", "Retido", "Retenido"),
    "withheld_note": (
        "These sentences or claims did not pass verification and are not in the report.",
        "Estas frases ou argumentos não passaram na verificação e não estão no relatório.",
        "Estas frases o argumentos no superaron la verificación y no están en el informe.",
    ),
    "place": ("Place", "Lugar", "Lugar"),
    "why": ("Why", "Por quê", "Por qué"),
    "evidence": ("Evidence", "Evidências", "Evidencias"),
    "evidence_note": (
        "Where every figure above comes from. The HTML and JSON forms lead on to what each was computed from, down to what was observed.",
        "De onde vem cada número acima. As formas HTML e JSON levam adiante, até o que foi observado.",
        "De dónde procede cada cifra anterior. Las formas HTML y JSON llevan más allá, hasta lo observado.",
    ),
    "evidence_tree": (
        "Every figure above and what it was computed from, down to what was observed.",
        "Cada número acima e aquilo de que foi calculado, até o que foi observado.",
        "Cada cifra anterior y aquello de lo que se calculó, hasta lo observado.",
    ),
    "figure": ("Figure", "Número", "Cifra"),
    "amount": ("Value", "Valor", "Valor"),
    "period": ("Period", "Período", "Período"),
    "source": ("Source", "Fonte", "Fuente"),
    "formula": ("Formula", "Fórmula", "Fórmula"),
    "inputs": ("From", "De", "De"),
    "assumption": ("Assumption", "Premissa", "Supuesto"),
    "computed": ("computed", "calculado", "calculado"),
    "retrieved": ("Retrieved", "Obtido", "Obtenido"),
    "id": ("Id", "Id", "Id"),
    "receipt": ("How this report came about", "Como este relatório foi feito", "Cómo se hizo este informe"),
    "writer": ("Writer", "Autor", "Autor"),
    "data": ("Data", "Dados", "Datos"),
    "model_calls": ("Model calls", "Chamadas ao modelo", "Llamadas al modelo"),
    "tokens": ("Tokens in / out", "Tokens entrada / saída", "Tokens entrada / salida"),
    "calls": ("Calls", "Chamadas", "Llamadas"),
    "cached": ("cached", "em cache", "en caché"),
    "duration": ("Duration", "Duração", "Duración"),
    "prices_as_of": ("Prices as of", "Preços de", "Precios a fecha de"),
    "cost": ("Cost", "Custo", "Coste"),
    "price_unknown": ("price unknown", "preço desconhecido", "precio desconocido"),
    "figures_bound": ("Figures cited", "Números citados", "Cifras citadas"),
    "of": ("of", "de", "de"),
    "repair_rounds": ("Repair rounds", "Rodadas de correção", "Rondas de corrección"),
    "task": ("Task", "Tarefa", "Tarea"),
    "agent": ("Agent", "Agente", "Agente"),
    "model": ("Model", "Modelo", "Modelo"),
    "time": ("Time", "Tempo", "Tiempo"),
    "config_hash": ("Crew configuration", "Configuração da equipe", "Configuración del equipo"),
    "snapshot_hash": ("Data snapshot", "Instantâneo dos dados", "Instantánea de datos"),
    "code_version": ("Code version", "Versão do código", "Versión del código"),
    "notes": ("Notes", "Notas", "Notas"),
    "disclosures": ("Notice", "Aviso", "Aviso"),
    "partial": ("Partial report", "Relatório parcial", "Informe parcial"),
    "partial_note": (
        "Some sentences or claims were withheld; they are listed at the end.",
        "Algumas frases ou argumentos foram retidos; estão listados no fim.",
        "Se retuvieron algunas frases o argumentos; se enumeran al final.",
    ),
    "equity": ("Share", "Ação", "Acción"),
    "etf": ("Exchange-traded fund", "Fundo de índice", "Fondo cotizado"),
    "fund": ("Fund", "Fundo", "Fondo"),
    "crypto": ("Crypto pair", "Par de criptomoedas", "Par de criptomonedas"),
    "index": ("Index", "Índice", "Índice"),
    "currency": ("Currency pair", "Par de moedas", "Par de divisas"),
    "not_reported": ("not reported", "não informado", "no informado"),
    "vendor_error": ("source failed", "falha da fonte", "fallo de la fuente"),
    "stale": ("too old", "antigo demais", "demasiado antiguo"),
    "unit_mismatch": ("units do not match", "unidades incompatíveis", "unidades incompatibles"),
    "not_applicable": ("does not apply", "não se aplica", "no procede"),
    "insufficient_history": ("history too short", "histórico insuficiente", "historia insuficiente"),
    "notice_as_of": (
        "This report speaks as of {as_of}. Nothing later entered it.",
        "Este relatório se refere a {as_of}. Nada posterior entrou nele.",
        "Este informe se refiere al {as_of}. Nada posterior entró en él.",
    ),
    "notice_sources": ("Sources: {sources}.", "Fontes: {sources}.", "Fuentes: {sources}."),
    "notice_advice": (
        (
            "This is research material, not investment advice, and no offer or solicitation. "
            "Check every figure against its source before you rely on it."
        ),
        (
            "Este é um material de pesquisa, não uma recomendação de investimento, nem oferta ou solicitação. "
            "Confira cada número na fonte antes de usá-lo."
        ),
        "Este es material de análisis, no asesoramiento de inversión, ni oferta o solicitud. Compruebe cada cifra en su fuente antes de usarla.",
    ),
    "writer_rules": (
        "Written by StockCrew's deterministic rule-based writer. No language model took part: the sentences follow from the figures by fixed rules.",
        (
            "Escrito pelo redator determinístico do StockCrew, baseado em regras. "
            "Nenhum modelo de linguagem participou: as frases seguem dos números por regras fixas."
        ),
        (
            "Escrito por el redactor determinista de StockCrew, basado en reglas. "
            "No intervino ningún modelo de lenguaje: las frases se derivan de las cifras por reglas fijas."
        ),
    ),
    "rules_language": (
        "",
        "",
        "El redactor por reglas no escribe en español: el texto del equipo está en inglés.",
    ),
    "rules_documents": (
        "It does not read the attached documents: it quotes the passages that best match the company's name and a fixed list of business terms.",
        "Ele não lê os documentos anexados: cita os trechos que mais combinam com o nome da empresa e uma lista fixa de termos de negócios.",
        "No lee los documentos adjuntos: cita los pasajes que mejor encajan con el nombre de la empresa y una lista fija de términos de negocio.",
    ),
    "rules_deep": (
        "It works no deeper than at the standard depth.",
        "Ele não trabalha mais a fundo do que na profundidade padrão.",
        "No trabaja más a fondo que en la profundidad estándar.",
    ),
    "rules_focus": (
        "It puts the subjects in focus first and writes no more on them than usual.",
        "Ele põe os assuntos em foco primeiro e não escreve mais sobre eles do que o usual.",
        "Pone primero los temas en foco y no escribe más sobre ellos de lo habitual.",
    ),
    "depth": ("Depth", "Profundidade", "Profundidad"),
    "depth_quick": ("quick", "rápida", "rápida"),
    "depth_standard": ("standard", "padrão", "estándar"),
    "depth_deep": ("deep", "profunda", "profunda"),
    "focus": ("In focus", "Em foco", "En foco"),
    "documents": ("Attached documents", "Documentos anexados", "Documentos adjuntos"),
    "documents_note": (
        "Handed in with the request and not checked by StockCrew. What the report takes from them it quotes word for word, with page and offset.",
        "Entregues com o pedido e não verificados pelo StockCrew. O que o relatório usa deles é citado palavra por palavra, com página e posição.",
        "Entregados con la solicitud y no comprobados por StockCrew. Lo que el informe usa se cita palabra por palabra, con página y posición.",
    ),
    "document": ("Document", "Documento", "Documento"),
    "public_on": ("Public on", "Público em", "Público el"),
    "undated": ("undated", "sem data", "sin fecha"),
    "length": ("Length", "Extensão", "Extensión"),
    "pages": ("pages", "páginas", "páginas"),
    "characters": ("characters", "caracteres", "caracteres"),
    "quoted": ("Passages quoted", "Trechos citados", "Pasajes citados"),
    "left_out": ("left out", "deixado de fora", "excluido"),
    "writer_model": (
        "Written by {models}. The model wrote the words and cited figures by id; every figure was computed in code and put in afterwards.",
        "Escrito por {models}. O modelo escreveu as palavras e citou os números por id; cada número foi calculado em código e inserido depois.",
        "Escrito por {models}. El modelo escribió las palabras y citó las cifras por id; cada cifra se calculó en código y se insertó después.",
    ),
    "writer_mixed": (
        (
            "Parts were written by {models}, the rest by StockCrew's deterministic rule-based writer, which is no language model. "
            "Every figure was computed in code."
        ),
        (
            "Partes foram escritas por {models}, o restante pelo redator determinístico do StockCrew, que não é um modelo de linguagem. "
            "Cada número foi calculado em código."
        ),
        (
            "Partes fueron escritas por {models}, el resto por el redactor determinista de StockCrew, que no es un modelo de lenguaje. "
            "Cada cifra se calculó en código."
        ),
    ),
    "source_sample": (
        "the sample data set shipped with StockCrew",
        "o conjunto de dados de amostra do StockCrew",
        "el conjunto de datos de muestra de StockCrew",
    ),
    "source_yahoo": ("Yahoo Finance, read through yfinance", "Yahoo Finance, lido com yfinance", "Yahoo Finance, leído con yfinance"),
    "source_csv": ("files of the operator", "arquivos do operador", "archivos del operador"),
}


def word(key: str, language: str) -> str:
    """The word under `key` in `language`; English for a language the report does not know.

    Raises:
        KeyError: there is no such key.
    """
    index = _LANGUAGES.index(language) if language in _LANGUAGES else 0
    return _WORDS[key][index]


def known(key: str) -> bool:
    """Whether there is a word under `key`."""
    return key in _WORDS
