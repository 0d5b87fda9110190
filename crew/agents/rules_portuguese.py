"""The rules writer's sentences in Brazilian Portuguese, each under its English form with the same citations."""

PORTUGUESE: dict[str, str] = {
    # Business and events.
    "The subject of this report is {kind}.": "Este relatório trata de {kind}.",
    "a company": "uma empresa",
    "an exchange-traded fund": "um fundo de índice",
    "a fund": "um fundo",
    "a crypto asset": "um criptoativo",
    "an index": "um índice",
    "a currency pair": "um par de moedas",
    "a futures contract": "um contrato futuro",
    "an instrument": "um instrumento",
    "An attached document says:": "Um documento anexado diz:",
    "It belongs to the {sector} sector.": "O setor é {sector}.",
    "In its profile: [[company.description]]": "No seu perfil: [[company.description]]",
    "Over the latest twelve months it took in [[income.revenue.TTM]] and earned [[income.net_income.TTM]].": (
        "Nos últimos doze meses a receita foi de [[income.revenue.TTM]] e o lucro líquido, de [[income.net_income.TTM]]."
    ),
    "In the latest fiscal year it took in [[income.revenue.*]] and earned [[income.net_income.*]].": (
        "No último exercício a receita foi de [[income.revenue.*]] e o lucro líquido, de [[income.net_income.*]]."
    ),
    "Diluted shares at the last price come to a market value of [[valuation.market_cap]].": (
        "As ações diluídas ao último preço perfazem um valor de mercado de [[valuation.market_cap]]."
    ),
    "With dividends the year brought [[price.total_return_1y]].": "Com dividendos o ano trouxe [[price.total_return_1y]].",
    "A share last cost [[price.last]].": "O último preço da ação foi [[price.last]].",
    "No figure on its size is available.": "Não há número disponível sobre o seu porte.",
    "The next results show whether sales keep their pace of [[growth.revenue_yoy.*]].": (
        "Os próximos resultados mostram se as vendas mantêm o ritmo de [[growth.revenue_yoy.*]]."
    ),
    "Analysts' mean target of [[analyst.target_mean]], by [[analyst.opinions]], would be revised with them.": (
        "O preço-alvo médio dos analistas, de [[analyst.target_mean]], dado por [[analyst.opinions]], seria revisto com eles."
    ),
    "A move out of the band between [[technical.support]] and [[technical.resistance]] would draw attention.": (
        "Uma saída da faixa entre [[technical.support]] e [[technical.resistance]] chamaria a atenção."
    ),
    "The high of the year was [[price.high_52w]], the low [[price.low_52w]].": (
        "A máxima do ano foi [[price.high_52w]], e a mínima, [[price.low_52w]]."
    ),
    "Reported:": "Noticiado:",
    "Sales lose pace: a year brought [[growth.revenue_yoy.*]].": "As vendas perdem ritmo: um ano trouxe [[growth.revenue_yoy.*]].",
    "Margins give way from [[margin.operating.*]].": "As margens cedem a partir de [[margin.operating.*]].",
    "Debt grows faster than earnings, from [[leverage.net_debt_to_ebitda.*]] EBITDA.": (
        "A dívida cresce mais depressa que o resultado, a partir de [[leverage.net_debt_to_ebitda.*]] o EBITDA."
    ),
    "The long trend breaks: the price last stood at [[price.last]], its long average at [[technical.sma_200]].": (
        "A tendência longa se rompe: o preço estava em [[price.last]], e a sua média longa, em [[technical.sma_200]]."
    ),
    "Swings widen from [[price.volatility_1y]] a year.": "As oscilações se ampliam a partir de [[price.volatility_1y]] ao ano.",
    # Fundamentals.
    "No statements are available for it, so nothing can be said here.": "Não há demonstrações disponíveis, e por isso nada se pode dizer aqui.",
    "The figures of this subject are not available.": "Os números deste assunto não estão disponíveis.",
    "Over the latest twelve months revenue came to [[income.revenue.TTM]], a change of [[growth.revenue_yoy.TTM]] on the year before.": (
        "Nos últimos doze meses a receita foi de [[income.revenue.TTM]], uma variação de [[growth.revenue_yoy.TTM]] sobre o ano anterior."
    ),
    "In the latest fiscal year revenue came to [[income.revenue.*]], a change of [[growth.revenue_yoy.*]] on the year before.": (
        "No último exercício a receita foi de [[income.revenue.*]], uma variação de [[growth.revenue_yoy.*]] sobre o ano anterior."
    ),
    "Over three fiscal years it changed by [[growth.revenue_cagr_3y]] a year.": (
        "Ao longo dos últimos exercícios a variação foi de [[growth.revenue_cagr_3y]] ao ano."
    ),
    "Net income changed by [[growth.net_income_yoy.*]] and earnings per share by [[growth.eps_yoy.*]].": (
        "O lucro líquido variou [[growth.net_income_yoy.*]], e o lucro por ação, [[growth.eps_yoy.*]]."
    ),
    "Earnings per share move faster than net income where shares are bought back.": (
        "O lucro por ação anda mais depressa que o lucro líquido onde há recompra de ações."
    ),
    (
        "Of each unit of revenue [[margin.gross.*]] remains as gross profit, [[margin.operating.*]] as "
        "operating profit and [[margin.net.*]] as net income."
    ): (
        "Da receita restam [[margin.gross.*]] como lucro bruto, [[margin.operating.*]] como lucro operacional e [[margin.net.*]] como lucro líquido."
    ),
    "Net income comes to [[margin.net.*]] of revenue.": "O lucro líquido equivale a [[margin.net.*]] da receita.",
    "Equity earns [[returns.roe.*]] and total assets [[returns.roa.*]].": (
        "O patrimônio líquido rende [[returns.roe.*]], e o ativo total, [[returns.roa.*]]."
    ),
    "Invested capital earns [[returns.roic.*]].": "O capital investido rende [[returns.roic.*]].",
    "Cash and short-term investments of [[balance.cash.*]] stand against debt of [[balance.total_debt.*]].": (
        "O caixa e as aplicações de curto prazo, de [[balance.cash.*]], estão diante de uma dívida de [[balance.total_debt.*]]."
    ),
    "Current assets cover current liabilities [[liquidity.current_ratio.*]].": (
        "O ativo circulante cobre o passivo circulante [[liquidity.current_ratio.*]]."
    ),
    "Net debt amounts to [[leverage.net_debt_to_ebitda.*]] EBITDA.": "A dívida líquida equivale a [[leverage.net_debt_to_ebitda.*]] o EBITDA.",
    "Debt comes to [[leverage.debt_to_equity.*]] of equity.": "A dívida equivale a [[leverage.debt_to_equity.*]] do patrimônio líquido.",
    "Operating profit covers interest [[leverage.interest_cover.*]].": "O lucro operacional cobre os juros [[leverage.interest_cover.*]].",
    "Cash and short-term investments stand at [[{cash}]].": "O caixa e as aplicações de curto prazo estão em [[{cash}]].",
    "Operations brought in [[cashflow.operating.*]], of which [[cashflow.free.*]] was left after investment.": (
        "As operações geraram [[cashflow.operating.*]], dos quais [[cashflow.free.*]] restaram depois dos investimentos."
    ),
    "Free cash flow is [[margin.fcf.*]] of revenue.": "O fluxo de caixa livre é de [[margin.fcf.*]] da receita.",
    "Buybacks changed cash by [[cashflow.buybacks.*]].": "As recompras alteraram o caixa em [[cashflow.buybacks.*]].",
    "Dividends changed cash by [[cashflow.dividends.*]].": "Os dividendos alteraram o caixa em [[cashflow.dividends.*]].",
    "The share count changed by [[shares.change_yoy.*]] against a year before.": (
        "O número de ações variou [[shares.change_yoy.*]] em relação a um ano antes."
    ),
    "The shares cost [[valuation.pe]] earnings, [[valuation.ps]] sales and [[valuation.pb]] book value.": (
        "As ações custam [[valuation.pe]] o lucro, [[valuation.ps]] as vendas e [[valuation.pb]] o valor patrimonial."
    ),
    "The enterprise costs [[valuation.ev_ebitda]] EBITDA.": "A empresa inteira custa [[valuation.ev_ebitda]] o EBITDA.",
    "The free-cash-flow yield is [[valuation.fcf_yield]].": "O rendimento do fluxo de caixa livre é de [[valuation.fcf_yield]].",
    "The discounted cash flow comes to [[valuation.dcf.per_share]] a share against a price of [[price.last]].": (
        "O fluxo de caixa descontado chega a [[valuation.dcf.per_share]] por ação, diante de um preço de [[price.last]]."
    ),
    "Today's price asks for free cash flow to grow by [[valuation.reverse_dcf.implied_growth]] in the first year, fading from there.": (
        "O preço de hoje pede que o fluxo de caixa livre cresça [[valuation.reverse_dcf.implied_growth]] no primeiro ano e depois cada vez menos."
    ),
    (
        "The bear, base and bull cases come to [[valuation.scenario.bear.per_share]], "
        "[[valuation.scenario.base.per_share]] and [[valuation.scenario.bull.per_share]]."
    ): (
        "Os cenários pessimista, base e otimista chegam a [[valuation.scenario.bear.per_share]], "
        "[[valuation.scenario.base.per_share]] e [[valuation.scenario.bull.per_share]]."
    ),
    "There is no earnings-based value for an asset like this.": "Não há valor baseado em resultados para um ativo como este.",
    # Price.
    (
        "The last price is [[price.last]], against averages of [[technical.sma_50]] over fifty sessions and [[technical.sma_200]] over two hundred."
    ): "O último preço é [[price.last]], diante de médias de [[technical.sma_50]], a mais curta, e de [[technical.sma_200]], a mais longa.",
    "The long trend points up.": "A tendência longa aponta para cima.",
    "The long trend points down.": "A tendência longa aponta para baixo.",
    "The year brought [[price.return_1y]], the last quarter [[price.return_3m]], the last month [[price.return_1m]].": (
        "O ano trouxe [[price.return_1y]], o último trimestre, [[price.return_3m]], e o último mês, [[price.return_1m]]."
    ),
    "The history is too short for a trend.": "O histórico é curto demais para uma tendência.",
    "That is stretched to the upside.": "Isso está esticado para cima.",
    "That is stretched to the downside.": "Isso está esticado para baixo.",
    "That is neither stretched nor washed out.": "Isso não está esticado nem esgotado.",
    "The relative strength index stands at [[technical.rsi_14]].": "O índice de força relativa está em [[technical.rsi_14]].",
    "MACD is at [[technical.macd]] against a signal line of [[technical.macd_signal]].": (
        "O MACD está em [[technical.macd]], diante de uma linha de sinal de [[technical.macd_signal]]."
    ),
    "The stochastic oscillator reads [[technical.stochastic_k]], the trend strength index [[technical.adx_14]].": (
        "O oscilador estocástico marca [[technical.stochastic_k]], e o índice de força da tendência, [[technical.adx_14]]."
    ),
    "The history is too short for momentum.": "O histórico é curto demais para o momento.",
    "Over a year prices swung by [[price.volatility_1y]] annualised, over the last thirty sessions by [[price.volatility_30d]].": (
        "Em um ano os preços oscilaram [[price.volatility_1y]] anualizados; nas últimas semanas, [[price.volatility_30d]]."
    ),
    "The average true range is [[technical.atr_14]].": "A amplitude média verdadeira é de [[technical.atr_14]].",
    "Against the market the beta is [[price.beta_1y]].": "Em relação ao mercado o beta é de [[price.beta_1y]].",
    "The deepest fall of the last years was [[price.max_drawdown_5y]].": "A queda mais profunda dos últimos anos foi de [[price.max_drawdown_5y]].",
    "The history is too short for volatility.": "O histórico é curto demais para a volatilidade.",
    "The range of the year runs from [[price.low_52w]] to [[price.high_52w]].": "A faixa do ano vai de [[price.low_52w]] a [[price.high_52w]].",
    "The price has come [[price.from_high_52w]] from the high.": "A distância do preço até a máxima é de [[price.from_high_52w]].",
    "Support lies near [[technical.support]].": "O suporte está perto de [[technical.support]].",
    "Resistance lies near [[technical.resistance]].": "A resistência está perto de [[technical.resistance]].",
    "The Bollinger band spans [[technical.bollinger_lower]] to [[technical.bollinger_upper]].": (
        "A banda de Bollinger vai de [[technical.bollinger_lower]] a [[technical.bollinger_upper]]."
    ),
    "The history is too short for levels.": "O histórico é curto demais para os níveis.",
    # Scorecard and summary.
    "On the scorecard value stands at [[scorecard.value]], quality at [[scorecard.quality]] and growth at [[scorecard.growth]].": (
        "No placar o valor está em [[scorecard.value]], a qualidade em [[scorecard.quality]] e o crescimento em [[scorecard.growth]]."
    ),
    "Momentum stands at [[scorecard.momentum]].": "O momento está em [[scorecard.momentum]].",
    "Safety stands at [[scorecard.safety]].": "A segurança está em [[scorecard.safety]].",
    "The weighted total is [[scorecard.total]].": "O total ponderado é [[scorecard.total]].",
    "Too little is known for a scorecard, so the asset is not rated.": "Sabe-se pouco demais para um placar; por isso o ativo não tem classificação.",
    "The computed total of [[scorecard.total]] is what the verified arguments add up to.": (
        "O total calculado de [[scorecard.total]] é aquilo a que chegam os argumentos verificados."
    ),
    "The last price of [[price.last]] is all that the figures carry.": "O último preço, de [[price.last]], é tudo o que os números sustentam.",
    "More reported figures would change this view.": "Mais números divulgados mudariam esta visão.",
    "For the shares: {text}": "A favor das ações: {text}",
    "Against the shares: {text}": "Contra as ações: {text}",
    "The argument for the shares that rests on [[{id}]] falls when that figure falls through its tripwire.": (
        "O argumento a favor das ações que se apoia em [[{id}]] cai quando esse número fica abaixo do seu sinal de alerta."
    ),
    "The argument for the shares that rests on [[{id}]] falls when that figure climbs through its tripwire.": (
        "O argumento a favor das ações que se apoia em [[{id}]] cai quando esse número passa acima do seu sinal de alerta."
    ),
    "The argument against the shares that rests on [[{id}]] falls when that figure falls through its tripwire.": (
        "O argumento contra as ações que se apoia em [[{id}]] cai quando esse número fica abaixo do seu sinal de alerta."
    ),
    "The argument against the shares that rests on [[{id}]] falls when that figure climbs through its tripwire.": (
        "O argumento contra as ações que se apoia em [[{id}]] cai quando esse número passa acima do seu sinal de alerta."
    ),
    # Arguments.
    "Sales are growing at [[growth.revenue_yoy.*]] a year, which leaves room for earnings to follow.": (
        "As vendas crescem [[growth.revenue_yoy.*]] ao ano, o que deixa espaço para o resultado acompanhar."
    ),
    "Sales change by only [[growth.revenue_yoy.*]] a year, so earnings have to come from costs.": (
        "As vendas variam apenas [[growth.revenue_yoy.*]] ao ano, e o resultado tem de vir dos custos."
    ),
    "An operating margin of [[margin.operating.*]] points to pricing power.": (
        "Uma margem operacional de [[margin.operating.*]] indica poder de preço."
    ),
    "An operating margin of [[margin.operating.*]] leaves little to absorb a bad year.": (
        "Uma margem operacional de [[margin.operating.*]] deixa pouco para absorver um ano ruim."
    ),
    "The company keeps [[margin.net.*]] of its revenue as profit.": "A empresa retém [[margin.net.*]] da receita como lucro.",
    "Invested capital earns [[returns.roic.*]], well above a usual cost of capital.": (
        "O capital investido rende [[returns.roic.*]], bem acima de um custo de capital usual."
    ),
    "Shareholders' equity earns [[returns.roe.*]].": "O patrimônio dos acionistas rende [[returns.roe.*]].",
    "Shareholders' equity earns only [[returns.roe.*]].": "O patrimônio dos acionistas rende apenas [[returns.roe.*]].",
    "Free cash flow amounts to [[margin.fcf.*]] of revenue, so that profits are backed by cash.": (
        "O fluxo de caixa livre equivale a [[margin.fcf.*]] da receita, de modo que o lucro é amparado por caixa."
    ),
    "Free cash flow is [[margin.fcf.*]] of revenue: investment takes nearly all the cash that comes in.": (
        "O fluxo de caixa livre é de [[margin.fcf.*]] da receita: o investimento consome quase todo o caixa que entra."
    ),
    "Net debt stands at [[leverage.net_debt_to_ebitda.*]] EBITDA, which narrows the room for error.": (
        "A dívida líquida está em [[leverage.net_debt_to_ebitda.*]] o EBITDA, o que estreita a margem de erro."
    ),
    "At [[valuation.pe]] earnings the shares already ask for years of growth.": (
        "A [[valuation.pe]] o lucro, as ações já exigem anos de crescimento."
    ),
    "At [[valuation.pe]] earnings the shares do not ask for much growth.": "A [[valuation.pe]] o lucro, as ações não exigem muito crescimento.",
    "The discounted cash flow lies above the price, by [[valuation.dcf.upside]].": (
        "O fluxo de caixa descontado está acima do preço, por [[valuation.dcf.upside]]."
    ),
    "The discounted cash flow lies apart from the price by [[valuation.dcf.upside]].": (
        "O fluxo de caixa descontado se afasta do preço em [[valuation.dcf.upside]]."
    ),
    "A free-cash-flow yield of [[valuation.fcf_yield]] pays little while one waits.": (
        "Um rendimento do fluxo de caixa livre de [[valuation.fcf_yield]] paga pouco enquanto se espera."
    ),
    "At [[valuation.pb]] book value the balance sheet is no floor under the shares.": (
        "A [[valuation.pb]] o valor patrimonial, o balanço não é um piso para as ações."
    ),
    "The price holds above its long average, by [[technical.price_vs_sma_200]].": (
        "O preço se mantém acima da sua média longa, por [[technical.price_vs_sma_200]]."
    ),
    "The price stands below its long average: [[technical.price_vs_sma_200]].": (
        "O preço está abaixo da sua média longa: [[technical.price_vs_sma_200]]."
    ),
    "The last half-year brought [[price.return_6m]].": "O último semestre trouxe [[price.return_6m]].",
    "Over a year the shares returned [[price.return_1y]].": "Em um ano as ações renderam [[price.return_1y]].",
    "A relative strength index of [[technical.rsi_14]] says that the rise is stretched.": (
        "Um índice de força relativa de [[technical.rsi_14]] diz que a alta está esticada."
    ),
    "A relative strength index of [[technical.rsi_14]] says that selling is stretched.": (
        "Um índice de força relativa de [[technical.rsi_14]] diz que a queda está esticada."
    ),
    "Volatility of [[price.volatility_1y]] a year asks for a small position.": (
        "Uma volatilidade de [[price.volatility_1y]] ao ano pede uma posição pequena."
    ),
    "The price has come away from its high of the year: [[price.from_high_52w]].": (
        "O preço se afastou da sua máxima do ano: [[price.from_high_52w]]."
    ),
    "Momentum is turning up, with a MACD histogram of [[technical.macd_histogram]].": (
        "O momento vira para cima, com um histograma MACD de [[technical.macd_histogram]]."
    ),
    "Momentum is turning down, with a MACD histogram of [[technical.macd_histogram]].": (
        "O momento vira para baixo, com um histograma MACD de [[technical.macd_histogram]]."
    ),
    "A Sharpe ratio of [[price.sharpe_1y]] over the year paid for the risk taken.": (
        "Um índice de Sharpe de [[price.sharpe_1y]] no ano remunerou o risco assumido."
    ),
    "The deepest fall of the period was [[price.max_drawdown_5y]].": "A queda mais profunda do período foi de [[price.max_drawdown_5y]].",
    "The shares last traded at [[price.last]], and no figure here speaks against them more than that.": (
        "As ações foram negociadas por último a [[price.last]], e nenhum número aqui fala contra elas mais do que isso."
    ),
    # Sectors, as the provider names them.
    "Technology": "tecnologia",
    "Communication Services": "serviços de comunicação",
    "Consumer Cyclical": "consumo cíclico",
    "Consumer Defensive": "consumo não cíclico",
    "Financial Services": "serviços financeiros",
    "Healthcare": "saúde",
    "Industrials": "indústria",
    "Basic Materials": "materiais básicos",
    "Energy": "energia",
    "Utilities": "serviços de utilidade pública",
    "Real Estate": "imobiliário",
}
